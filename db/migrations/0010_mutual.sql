-- The rest of mutual recognition 互认: what a provider says of itself, the review at home with its public notice 公示,
-- applications for recognition, and the service catalogue that maps local categories to the common ones.

alter type command_kind add value 'update_provider';
alter type command_kind add value 'review_provider';
alter type command_kind add value 'object_to_provider';
alter type command_kind add value 'decide_provider_objection';
alter type command_kind add value 'apply_recognition';
alter type command_kind add value 'refuse_recognition';
alter type command_kind add value 'map_category';

-- Apart from the provider itself: no order rests on it.
create table provider_profiles (
  uscc           text primary key references providers (uscc),
  version        bigint not null,                 -- the number of the region's command that last wrote it
  qualifications jsonb not null,
  services       jsonb not null,
  instruments    jsonb not null,
  contact        jsonb not null
);

-- The last review of a provider by a bureau of its home.
create table home_reviews (
  uscc        text primary key references providers (uscc),
  review      bigint not null,                    -- the number of the region's command that made it
  reviewed_by text not null,
  verdict     text not null check (verdict in ('accepted', 'refused', 'returned')),
  reason      text,
  notice_ends date,                               -- the last day of the notice; null: none, or it stands still
  notice_left integer check (notice_left >= 0),   -- days still to run, while an objection is open
  objections  jsonb not null,
  check (notice_ends is null or notice_left is null),
  check (verdict = 'accepted' or (notice_ends is null and notice_left is null))
);

-- A provider's last application to a jurisdiction.
create table recognition_applications (
  provider     text not null references providers (uscc),
  jurisdiction integer not null references books (book),
  application  bigint not null,                   -- the number of the region's command that made it
  categories   text[] not null,
  valid_from   date not null,
  valid_to     date not null check (valid_to >= valid_from),
  state        text not null check (state in ('open', 'granted', 'refused')),
  reason       text,                              -- of a refusal
  primary key (provider, jurisdiction)
);

-- What a province's local categories mean in the common ones: on a day the last mapping made that covers it holds.
create table catalogue (
  jurisdiction integer not null references books (book),
  code         text not null,
  mapping      bigint not null,                   -- the number of the region's command that made it
  name         text not null,
  category     text,                              -- null: none any more
  valid_from   date not null,
  valid_to     date check (valid_to >= valid_from),   -- null: until further notice
  primary key (jurisdiction, code, mapping)
);

alter table orders add column local_category text;

-- When an order was delivered and whether its claim came back, for evaluations: two kinds alone, so that nothing else
-- pays for it.
create index commands_of_order on commands (book, (body ->> 'order'))
  where kind in ('deliver', 'return_claim');
