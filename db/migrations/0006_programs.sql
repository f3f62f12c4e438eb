-- Programs in versions, and what their rules may say besides; all of it is off unless a program sets it.

alter type command_kind add value 'supersede_program';
alter type command_kind add value 'draft_program';
alter type command_kind add value 'discard_draft';

-- Never edited, only superseded: a row for each version, the newest of those in force counts.
alter table programs
  add column version integer not null default 1 check (version > 0),
  add column effective_from date check ((version = 1) = (effective_from is null)),
  add column title text,
  add column document text,
  add column reach text,
  add column ratios jsonb not null default '[]',
  add column use_by date check (use_by >= apply_to),
  add column recall_unused_after_days integer check (recall_unused_after_days >= 0),
  add column first_grant_limit bigint check (first_grant_limit > 0),
  add column notice_days integer check (notice_days > 0),
  add column evidence text[] not null default '{}',
  drop constraint programs_pkey,
  add primary key (program, version);

-- A maker's workspace: what becomes of it is published with the whole rules in its own command.
create table program_drafts (
  jurisdiction integer not null references books (book),
  program      text not null,
  version      bigint not null,                   -- the number of the region's command that last wrote it
  rules        text,                              -- as they would be published, JSON; null once discarded
  primary key (jurisdiction, program)
);

alter table vouchers
  add column version integer not null default 1,  -- of the program's rules
  add column recall_on date;                      -- the last day it may stay unused; null once an order was filed
-- It ends with the earlier of both.
drop index vouchers_use_by;
create index vouchers_ends on vouchers (least(use_by, recall_on), book, program) where lapsed_on is null;

alter table orders
  add column version integer not null default 1,
  add column notice_days integer,                 -- of public notice after verification
  add column notice_ends date,                    -- the last day of the one that runs
  add column evidence jsonb;
