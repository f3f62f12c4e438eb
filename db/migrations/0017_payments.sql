-- Payments: what a closed period pays, line by line, from its release to the bank's word; and the accounts between.

insert into account_kinds values
  (8, 'clearing', 'credit', false), (9, 'paying', 'credit', true), (10, 'written_off', 'debit', true);

insert into legal_transfers values
  (13, 'novate', 5, 8), (14, 'novate_recoverable', 6, 8), (15, 'take_over_recoverable', 8, 6), (16, 'take_over', 8, 5),
  (17, 'release', 5, 9), (18, 'release_recoverable', 6, 9), (19, 'release_clearing', 8, 9), (20, 'remit', 9, 2),
  (21, 'stop', 9, 5), (22, 'stop_clearing', 9, 8), (23, 'bounce', 2, 5), (24, 'receive', 2, 8), (25, 'set_off', 5, 6),
  (26, 'write_off', 10, 6), (27, 'return_budget', 3, 1), (28, 'carry_over', 3, 3), (29, 'subsidise', 3, 5);

alter table accounts drop constraint accounts_check1,
  add constraint accounts_check1 check (kind in (2, 7, 8) or posted >= held);

-- What one command of a closing lets a book pay.
create table payment_batches (
  book   integer not null,                         -- whose treasury pays
  batch  bigint not null,                          -- the number of the book's command that made it
  period text not null,
  source text not null check (source in ('payable', 'clearing')),  -- payees, or provinces and those below them
  primary key (book, batch)
);
create index payment_batches_period on payment_batches (period, book, batch);

create table payment_lines (
  book     integer not null,
  batch    bigint not null,
  line     integer not null check (line > 0),
  payee    text not null,                          -- as its payable account is owned, or jurisdiction:CODE
  province integer,                                -- of a payee: where its money goes
  amount   bigint not null check (amount > 0),     -- fen approved for the payee in the period
  clawed_back bigint not null check (clawed_back >= 0),  -- fen clawed back from it in the period
  set_off  bigint not null check (set_off >= 0),   -- fen of it that went against what the payee must give back
  state    text not null check (state in ('open', 'released', 'paid', 'set_off')),
  released bigint not null check (released >= 0),  -- fen released for payment and not come back
  paid     bigint not null check (paid >= 0),      -- fen of it that bank lines confirm
  release  bigint,                                 -- the number of the book's command that released it last
  account  bigint,                                 -- the version of the payee's account it was released with
  bounces  integer not null check (bounces >= 0),  -- how often it came back 退汇
  primary key (book, batch, line),
  check (set_off + released <= amount),
  check (paid <= released),
  check ((state in ('released', 'paid')) = (released > 0)),
  check ((state = 'paid') = (released > 0 and paid = released))
);
create index payment_lines_payee on payment_lines (payee, book, batch);
