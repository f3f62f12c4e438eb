-- The double-entry core: books, accounts, the command log with its journal entries, transfers, holds, keys.
-- `book` leads every primary key of a table that grows, so that a distributed PostgreSQL can split by it.

create table books (
  book      integer primary key,                  -- GB/T 2260 code of the jurisdiction; 0 is the region
  name      text not null,
  seq       bigint not null default 0 check (seq >= 0),        -- the head: number of the last command
  entries   bigint not null default 0 check (entries >= 0),    -- number of the last journal entry 凭证号
  accounts  integer not null default 0 check (accounts >= 0),  -- number of the last account opened
  booked_at timestamptz(3) not null default 'epoch',
  check (entries <= seq)
) with (fillfactor = 50);                         -- every batch updates heads: leave room for HOT updates

create table account_kinds (
  kind   smallint primary key,
  name   text not null unique,
  normal text not null check (normal in ('debit', 'credit')),
  floor  boolean not null
);

create table legal_transfers (
  type   smallint primary key,
  name   text not null unique,
  debit  smallint not null references account_kinds,
  credit smallint not null references account_kinds
);

insert into account_kinds values
  (1, 'appropriation', 'debit', true), (2, 'treasury', 'credit', false), (3, 'pool', 'credit', true),
  (4, 'voucher', 'credit', true), (5, 'payable', 'credit', true), (6, 'recoverable', 'debit', true),
  (7, 'position', 'credit', false);

insert into legal_transfers values
  (1, 'appropriate', 1, 3), (2, 'issue', 3, 4), (3, 'lapse', 4, 3), (4, 'redeem', 4, 5),
  (5, 'claw_back_payable', 5, 3), (6, 'claw_back_recoverable', 6, 3), (7, 'pay', 5, 2), (8, 'advance', 6, 2),
  (9, 'recover', 2, 6), (10, 'overrecover', 2, 5), (11, 'owe', 7, 7), (12, 'instruct', 7, 7);

create table accounts (
  book     integer not null,
  account  integer not null check (account > 0),
  kind     smallint not null,
  owner    text not null,                         -- program, voucher, payee or province; '' for one-of-a-kind
  province integer,                               -- of a payee: where its money goes
  posted   bigint not null default 0,             -- fen, on the normal side
  held     bigint not null default 0,             -- fen of it that open holds have reserved
  primary key (book, account),
  unique (book, kind, owner),
  check (held >= 0),
  check (held = 0 or kind = 4),
  check (kind in (2, 7) or posted >= held)        -- what must not go below zero, holds counted
) with (fillfactor = 80);

-- The log: every accepted command of a book, numbered without gaps; a money command carries its entry's number.
create table commands (
  book         integer not null,
  seq          bigint not null check (seq > 0),
  entry        bigint check (entry > 0),
  kind         text not null,
  day          date not null,                     -- Asia/Shanghai date of the instant it was accepted
  booked_at    timestamptz(3) not null,
  subject      text not null,
  organisation text not null,
  body         jsonb not null,                    -- the command as it was asked for
  event        jsonb not null,                    -- its outcome, as it was answered
  rests        jsonb not null,                    -- {book: seq}: the versions of the facts it was decided on
  primary key (book, seq)
);
create unique index commands_entry on commands (book, entry) where entry is not null;

create table transfers (
  book   integer not null,
  entry  bigint not null,
  line   integer not null check (line > 0),
  type   smallint not null,
  phase  smallint not null check (phase between 0 and 3),      -- 0 posted, 1 held, 2 captured, 3 released
  debit  integer not null,
  credit integer not null,
  leg    smallint,
  hold   bigint,
  amount bigint not null check (amount > 0),
  primary key (book, entry, line),
  check ((phase = 0) = (hold is null)),
  check (debit <> credit)
);

create table holds (
  book   integer not null,
  hold   bigint not null,                         -- the number of the order's command
  leg    smallint not null,
  type   smallint not null,
  debit  integer not null,
  credit integer not null,
  amount bigint not null check (amount > 0),
  open   bigint not null check (open between 0 and amount),
  primary key (book, hold, leg)
) with (fillfactor = 80);

-- What must be unique in the whole region: a provider's contract number, an invoice number.
create table keys (
  key    text primary key,
  book   integer not null,
  holder text not null
);

-- Who asked with which key, and where the answer is: in the log, or here when it was a refusal.
create table idempotency (
  organisation text not null,
  key          text not null,
  fingerprint  bytea not null,
  recorded_at  timestamptz(3) not null,
  book         integer,
  seq          bigint,
  refusal      jsonb,
  primary key (organisation, key),
  check ((seq is null) <> (refusal is null)),
  check ((seq is null) = (book is null))
);
