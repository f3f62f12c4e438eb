-- Bank statements: what the bank says of a book's account, line by line, what each line was taken for, and what is open.

alter type command_kind add value 'take_statement';
alter type command_kind add value 'assign_exception';
alter type command_kind add value 'resolve_exception';

-- One statement 对账单 of one account of a book.
create table bank_statements (
  book      integer not null,
  statement text not null,                         -- of book, account and number: 32 hex digits
  account   text not null,                         -- the last four characters of the account's number
  number    text not null,                         -- the bank's own
  digest    text not null,                         -- SHA-256 of what it says
  from_day  date not null,
  to_day    date not null,
  opening   bigint not null,                       -- fen
  closing   bigint not null,                       -- fen
  lines     integer not null check (lines >= 0),
  taken     integer not null check (taken between 0 and lines),  -- how many of them are booked
  repeated  integer not null check (repeated between 0 and taken),  -- how many of those another statement had before
  first     bigint not null,                       -- the number of the book's command that took its first lines
  primary key (book, statement)
);
create index bank_statements_first on bank_statements (book, first);

-- What the bank booked; it never changes.
create table bank_lines (
  book      integer not null,
  account   text not null,
  serial    text not null,                         -- the bank's own number of it 流水号
  statement text not null,                         -- the first one that had it
  line      integer not null check (line > 0),
  day       date not null,
  side      text not null check (side in ('debit', 'credit')),  -- debit: it was paid; credit: it came in
  amount    bigint not null check (amount > 0),    -- fen
  name      text,                                  -- of whoever is on the other side
  reference text,
  booked    bigint not null,                       -- the number of the book's command that took it
  primary key (book, account, serial)
);
create index bank_lines_statement on bank_lines (book, statement, line);

-- What a bank line was taken for: one or several things that add up to it.
create table bank_matches (
  book    integer not null,
  account text not null,
  serial  text not null,
  match   integer not null check (match > 0),
  kind    text not null check (kind in ('pay', 'bounce', 'receive', 'refund')),
  payer   integer not null,                        -- the book of the payment line
  batch   bigint,
  line    integer,
  payee   text,                                    -- of a refund: as its payable account is owned
  amount  bigint not null check (amount > 0),      -- fen
  primary key (book, account, serial, match),
  check ((kind = 'refund') = (payee is not null)),
  check ((kind = 'refund') = (batch is null) and (batch is null) = (line is null))
);
create index bank_matches_line on bank_matches (payer, batch, line);

-- Bank lines that nothing was found for 差错.
create table bank_exceptions (
  book       integer not null,
  exception  bigint not null,                      -- the number of the book's command that took it
  line       integer not null check (line > 0),    -- which line of its statement
  account    text not null,
  serial     text not null,
  reason     text not null,
  opened_on  date not null,
  owner      text,                                 -- who looks after it
  state      text not null check (state in ('open', 'resolved')),
  resolution jsonb,                                -- how, why and by whom
  primary key (book, exception, line),
  check ((state = 'resolved') = (resolution is not null))
);
create index bank_exceptions_open on bank_exceptions (book, exception, line) where state = 'open';

-- What has come in of instructions 划拨指令 that another book pays.
create table instruction_receipts (
  book     integer not null,                       -- whose account it came to
  payer    integer not null,
  batch    bigint not null,
  line     integer not null,
  received bigint not null check (received >= 0),  -- fen
  primary key (book, payer, batch, line)
);
create index instruction_receipts_line on instruction_receipts (payer, batch, line);
