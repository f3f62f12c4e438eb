-- Before a close: which periods are planned, and what a close would come to.

alter type command_kind add value 'plan_periods';
alter type command_kind add value 'preview_period';

create table period_calendars (
  group_name text not null,
  year       integer not null,
  version    bigint not null,                      -- the number of the region's command that last wrote it
  periods    jsonb not null,                       -- names and last days, in turn
  primary key (group_name, year)
);

-- The last preview of each period, with which the next is compared.
create table period_previews (
  period     text primary key,
  preview    bigint not null,                      -- the number of the region's command that kept it
  made_on    date not null,
  through    date not null,
  group_name text not null,
  gross      jsonb not null                        -- by provinces and agreement; money as yuan
);
