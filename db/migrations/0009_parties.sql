-- Parties as four bureaus know them: an enterprise's profile, moves and qualifications, who stands behind a party, and an
-- integrity entry with its owner, scope, consequences, corrections, appeals, and who was told.

alter type command_kind add value 'update_enterprise';
alter type command_kind add value 'declare_qualification';
alter type command_kind add value 'verify_qualification';
alter type command_kind add value 'declare_relations';
alter type command_kind add value 'record_relations';
alter type command_kind add value 'correct_integrity';
alter type command_kind add value 'appeal_integrity';
alter type command_kind add value 'decide_appeal';
alter type command_kind add value 'acknowledge_integrity';

alter table programs add column verified_types boolean not null default false;

-- Moves and qualifications are kept in the row: an issue reads an enterprise whole, by its key.
alter table enterprises
  add column contact text,
  add column version bigint not null default 0,    -- the number of the region's command that last wrote it
  add column moves jsonb not null default '[]',
  add column qualifications jsonb not null default '[]';
update enterprises e set version = c.seq
from commands c where c.book = 0 and c.kind = 'register_enterprise' and c.body ->> 'uscc' = e.uscc;
alter table enterprises alter column version drop default;

-- Who stands behind an enterprise or a provider: as it declares, and as bureaus have found.
create table relations (
  uscc     text primary key check (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
  version  bigint not null,                        -- the number of the region's command that last wrote it
  declared jsonb,
  recorded jsonb not null
);

alter table integrity_entries
  add column jurisdiction integer references books (book), -- whose entry it is; null: made before that was kept
  add column person text not null default '',              -- who listed it
  add column source text,
  add column decision text,                                -- 文号
  add column reach text[],                                 -- null: the whole region
  add column consequences text[],                          -- null: all of them
  add column version bigint not null default 0,            -- the number of the region's command that last wrote it
  add column removed bigint,                               -- the number of the region's command that removed it
  add column corrections jsonb not null default '[]',
  add column appeals jsonb not null default '[]',
  add column acknowledged jsonb not null default '[]';
update integrity_entries i set version = i.listing, person = a.subject
from commands c join actors a on a.actor = c.actor where c.book = 0 and c.seq = i.listing;
alter table integrity_entries alter column person drop default, alter column version drop default;
create unique index integrity_entries_listing on integrity_entries (listing);
