-- Settlement reports: what the log adds up to, by the day and by what it is for, so that a report reads sums and not the
-- log. All of it can be made again from the log; the service adds to it off the hot path, book by book.

-- How far each book has been added up.
create table report_heads (
  book integer primary key,
  seq  bigint not null check (seq >= 0)
);

-- What a row belongs to: the day it is dated, and `passed`, the number of the last close that was for its day and yet did
-- not reach it; 0 for nearly all. The first close after `passed` that is for the day takes it.
create table report_lates (
  passed bigint primary key                        -- those there are, besides 0
);

-- Vouchers and orders; money in fen.
create table report_days (
  book             integer not null,
  day              date not null,
  passed           bigint not null,
  program          text not null,
  category         text not null,                  -- '' where it is about vouchers
  payee_province   integer not null,               -- 0 where it is about vouchers
  issues           integer not null,               -- vouchers issued
  issued           bigint not null,
  lapses           integer not null,               -- times that money went from a voucher back to the pool
  lapsed           bigint not null,
  filed            integer not null,               -- orders
  held             bigint not null,
  released         bigint not null,
  orders_lapsed    integer not null,
  delivered        integer not null,
  delivered_amount bigint not null,
  confirmed        integer not null,
  confirmed_amount bigint not null,
  claimed          integer not null,               -- orders with their first claim
  claimed_amount   bigint not null,
  approved         integer not null,
  approved_amount  bigint not null,
  clawed_back      bigint not null,
  paid             integer not null,
  paid_amount      bigint not null,                -- what was approved of them and not clawed back before
  primary key (passed, day, book, program, category, payee_province)
);

create table report_providers (
  book     integer not null,
  day      date not null,
  passed   bigint not null,
  provider text not null,
  filed    integer not null,
  held     bigint not null,
  released bigint not null,
  primary key (passed, day, book, provider)
);

create table report_firms (
  book       integer not null,
  day        date not null,
  passed     bigint not null,
  enterprise text not null,
  issued     boolean not null,
  filed      boolean not null,
  primary key (passed, day, book, enterprise)
);

-- What became payable and what was paid of it, by the day it was approved: added up, what is still payable.
create table report_payables (
  book        integer not null,
  day         date not null,
  passed      bigint not null,
  approved_on date not null,
  orders      integer not null,
  amount      bigint not null,
  primary key (passed, day, book, approved_on)
);

-- Orders paid, by the calendar days from their first claim.
create table report_waits (
  book   integer not null,
  day    date not null,
  passed bigint not null,
  days   integer not null,
  orders integer not null,
  primary key (passed, day, book, days)
);

-- Of an order, what a later step is added up with.
create table report_claims (
  book       integer not null,
  "order"    bigint not null,
  seq        bigint not null,                      -- of its first claim
  claimed_on date not null,
  primary key (book, "order")
);
create table report_supplements (
  book    integer not null,
  "order" bigint not null,
  seq     bigint not null,
  amount  bigint not null,                         -- the voucher's share from then on
  primary key (book, "order", seq)
);
create table report_clawbacks (
  book    integer not null,
  "order" bigint not null,
  seq     bigint not null,
  amount  bigint not null,                         -- of an order that was not paid yet
  primary key (book, "order", seq)
);

-- The items of a period, added up once it is closed: they never change.
create table report_periods (
  period text primary key
);
create table report_items (
  period         text not null,
  book           integer not null,
  program        text not null,
  category       text not null,
  provider       text not null,
  payee_province integer not null,
  approved       integer not null,                 -- orders
  amount         bigint not null,                  -- fen
  claw_backs     integer not null,
  clawed_back    bigint not null,                  -- fen
  primary key (period, book, program, category, provider, payee_province)
);
