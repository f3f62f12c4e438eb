-- Mutual recognition by standing agreement, and what ends it for one provider: suspension by a jurisdiction, withdrawal at
-- home.

alter type command_kind add value 'offer_agreement';
alter type command_kind add value 'amend_agreement';
alter type command_kind add value 'sign_agreement';
alter type command_kind add value 'end_agreement';
alter type command_kind add value 'withdraw_provider';
alter type command_kind add value 'lift_suspension';

-- The accepting province takes the home province's providers for these categories over these days.
create table agreements (
  accepting  integer not null references books (book),
  home       integer not null references books (book),
  agreement  bigint not null,                     -- the number of the region's command that offered it
  version    bigint not null,                     -- of the region's command that last wrote it
  categories text[] not null,
  valid_from date not null,
  valid_to   date not null check (valid_to >= valid_from),
  running    text not null check (running in ('complete', 'stop')),  -- what orders do when recognition ends
  document   text,                                -- 文号
  signed     integer[] not null,                  -- the provinces that have signed it as it stands
  ended      bigint,                              -- the number of the region's command that ended it
  primary key (accepting, home, agreement),
  check (accepting <> home)
);

create table provider_suspensions (
  provider     text not null references providers (uscc),
  suspension   bigint not null,                   -- the number of the region's command that made it
  jurisdiction integer not null references books (book),
  everywhere   boolean not null,                  -- withdrawn at home: nobody may use it any more
  lifted       bigint,                            -- the number of the region's command that lifted it
  primary key (provider, suspension)
);
insert into provider_suspensions (provider, suspension, jurisdiction, everywhere)
select body ->> 'provider', seq, (body ->> 'jurisdiction')::integer, false
from commands where kind = 'suspend_recognition';

-- The agreement an order's provider was recognised by; null when it was recognised directly.
alter table orders add column agreement bigint;
