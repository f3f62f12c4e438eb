-- Vouchers after and before they are issued: extended once, cancelled, recalled, suspended; applied for, reviewed, granted.

alter type command_kind add value 'extend_voucher';
alter type command_kind add value 'cancel_voucher';
alter type command_kind add value 'recall_voucher';
alter type command_kind add value 'suspend_voucher';
alter type command_kind add value 'resume_voucher';
alter type command_kind add value 'apply_voucher';
alter type command_kind add value 'complete_application';
alter type command_kind add value 'withdraw_application';
alter type command_kind add value 'review_application';

alter table programs add column extend_days integer check (extend_days > 0);

alter table vouchers
  add column extended_on date,                    -- the day it was extended; once at most
  add column suspended_on date,                   -- since when no order can be filed on it; null: it can
  add column ended text check (ended in ('cancelled', 'recalled')),  -- how it ended when it did not lapse
  add constraint vouchers_ended check (ended is null or lapsed_on is not null);

-- What enterprises have asked for; in the book that would issue the voucher.
create table applications (
  book        integer not null references books (book),
  application bigint not null,                    -- the number of the command that made it
  version     bigint not null,                    -- of the command that last wrote it
  state       text not null check (state in ('submitted', 'returned', 'reviewed', 'granted', 'refused', 'withdrawn')),
  program     text not null,
  enterprise  text not null references enterprises (uscc),
  amount      bigint not null check (amount > 0),
  applied_on  date not null,                      -- the day it was last submitted
  note        text,
  documents   jsonb not null,                     -- names and SHA-256
  reviewed_by text,                               -- who passed it; never who grants it
  missing     text[] not null,                    -- what must be completed
  reason      text,                               -- why it was returned or refused
  voucher     bigint,                             -- the voucher that was granted
  primary key (book, application),
  check ((state = 'granted') = (voucher is not null)),
  check ((state = 'returned') = (missing <> '{}'))
);
create index applications_state on applications (book, state, application);
create index applications_enterprise on applications (enterprise);
