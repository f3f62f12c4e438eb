-- After payment and at the end of a year: refunds, write-offs and red invoices; unused budget returned or carried over, the
-- treasury's own figures, and what a jurisdiction pays those below it.

alter type command_kind add value 'write_off';
alter type command_kind add value 'receive_refund';
alter type command_kind add value 'red_flush_invoice';
alter type command_kind add value 'return_budget';
alter type command_kind add value 'carry_over';
alter type command_kind add value 'reconcile_budget';
alter type command_kind add value 'set_subsidy';
alter type command_kind add value 'subsidise';
alter type command_kind add value 'open_year';

-- Who owes something back, and what has made it more or less: few among very many.
create index accounts_recoverable on accounts (book, account) where kind = 6;
create index transfers_owing on transfers (book, debit) where type in (6, 8, 14, 18);
create index transfers_owed_back on transfers (book, credit) where type in (9, 15, 25, 26);

create table subsidies (
  book     integer not null,                       -- of the jurisdiction that pays them
  program  text not null,                          -- whose pool pays them
  versions jsonb not null,                         -- the rule, oldest first: shares, days, documents
  runs     jsonb not null,                         -- what was booked by it; money as yuan
  primary key (book, program)
);

create table treasury_figures (
  book        integer not null,
  program     text not null,
  amount      bigint not null check (amount > 0),  -- fen that the treasury says it has given, less what it took back
  as_of       date not null,
  document    text not null,
  recorded_on date not null,
  primary key (book, program)
);
