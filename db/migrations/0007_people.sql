-- The register of people: who has which role where and for how long, whose deputy, and whose access was ended.

alter type command_kind add value 'appoint';
alter type command_kind add value 'deputise';
alter type command_kind add value 'bar_person';
alter type command_kind add value 'end_standing';

create table standings (
  person       text not null,
  number       bigint not null,                   -- the number of the region's command that made it
  kind         text not null check (kind in ('appointment', 'deputyship', 'bar')),
  jurisdiction integer not null references books (book),       -- 0: the region
  principal    text,                              -- whose deputy
  roles        text[] not null,
  valid_from   date not null,
  valid_to     date check (valid_to >= valid_from),            -- null: until it is ended
  reason       text not null,
  document     text,                              -- 文号
  ended        bigint,                            -- the number of the region's command that ended it
  primary key (person, number),
  check ((kind = 'deputyship') = (principal is not null)),
  check ((kind = 'bar') = (cardinality(roles) = 0)),
  check (kind <> 'deputyship' or valid_to is not null),
  check (principal <> person)
);
create index standings_jurisdiction on standings (jurisdiction, number);
