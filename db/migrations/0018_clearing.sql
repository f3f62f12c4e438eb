-- Clearing agreements between provinces, and periods that are settled payee by payee.

alter type command_kind add value 'offer_clearing';
alter type command_kind add value 'sign_clearing';
alter type command_kind add value 'end_clearing';
alter type command_kind add value 'settle_period';
alter type command_kind add value 'finish_settlement';
alter type command_kind add value 'mark_paid';
alter type command_kind add value 'release_payments';
alter type command_kind add value 'stop_payment';

-- How two provinces clear what they owe each other's payees; of two that both have signed, no day is in both.
create table clearing_agreements (
  one        integer not null references books (book),
  other      integer not null references books (book),
  agreement  bigint not null,                     -- the number of the region's command that offered it
  version    bigint not null,                     -- of the region's command that last wrote it
  mode       text not null check (mode in ('direct', 'netted')),
  group_name text not null,                       -- whose periods it is cleared in
  covers     text not null check (covers in ('province', 'tree')),
  threshold  bigint check (threshold > 0),        -- fen: a smaller net of a period is paid directly
  cap        bigint check (cap > 0),              -- fen: a larger one, too
  valid_from date not null,
  valid_to   date not null check (valid_to >= valid_from),
  document   text,                                -- 文号
  signed     integer[] not null,
  ended      date,                                -- the last day it covers, when it was ended
  primary key (one, other, agreement),
  check (one < other)
);

-- A period without a group was closed by a version before 0.6, or is paid in one piece.
alter table periods add column group_name text, add column settled boolean not null default false;

-- What an agreement came to in a period.
create table period_pairs (
  period    text not null references periods (period),
  one       integer not null,
  other     integer not null,
  agreement bigint not null,
  net       bigint not null,                      -- fen: what `one` owes `other` less what it is owed
  netted    boolean not null,
  why       text not null check (why in ('agreed', 'below_threshold', 'above_cap')),
  primary key (period, one, other, agreement),
  foreign key (one, other, agreement) references clearing_agreements
);

-- What of a settlement is booked: in each book, part by part, in pieces of so many payees.
create table settlement_parts (
  book   integer not null,
  period text not null references periods (period),
  part   text not null check (part in ('issuer', 'payee', 'between')),
  piece  integer not null check (piece > 0),
  seq    bigint not null,                         -- the number of the book's command that booked it
  primary key (book, period, part, piece)
);
create index settlement_parts_period on settlement_parts (period);
