-- What decisions rest on, a table or two for each noun. Money is fen.

create table programs (
  program           text primary key,
  jurisdiction      integer not null references books (book),
  ratio             text not null check (ratio ~ '^[0-9]+(\.[0-9]+)?$'),
  annual_cap        bigint not null check (annual_cap > 0),
  order_cap         bigint check (order_cap > 0),
  payee             text not null check (payee in ('provider', 'enterprise')),
  invoice           text not null check (invoice in ('whole', 'self_paid')),
  cross_region      boolean not null,
  apply_from        date not null,
  apply_to          date not null check (apply_to >= apply_from),
  use_within_days   integer not null check (use_within_days >= 0),
  claim_within_days integer not null check (claim_within_days >= 0),
  categories        text[] not null,
  enterprise_types  text[] not null
);

create table enterprises (
  uscc     text primary key check (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
  name     text not null,
  division text not null,
  types    text[] not null
);

create table providers (
  uscc       text primary key check (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
  name       text not null,
  division   text not null,
  categories text[] not null
);

create table recognitions (
  provider     text not null references providers (uscc),
  recognition  bigint not null,                   -- the number of the region's command that made it
  jurisdiction integer not null references books (book),
  categories   text[] not null,
  valid_from   date not null,
  valid_to     date not null check (valid_to >= valid_from),
  ended        bigint,                            -- the number of the region's command that ended it
  primary key (provider, recognition)
);

create table integrity_entries (
  uscc       text not null,
  listing    bigint not null,                     -- the number of the region's command that made it
  valid_from date not null,
  valid_to   date check (valid_to >= valid_from), -- null: until further notice
  reason     text not null,
  listed_by  text not null,
  primary key (uscc, listing)
);

create table vouchers (
  book       integer not null,
  voucher    bigint not null,                     -- the number of the command that issued it
  program    text not null references programs (program),
  enterprise text not null references enterprises (uscc),
  amount     bigint not null check (amount > 0),
  issued_on  date not null,
  use_by     date not null,
  lapsed_on  date,
  primary key (book, voucher)
) with (fillfactor = 90);
create index vouchers_use_by on vouchers (use_by, book, program) where lapsed_on is null;
create index vouchers_enterprise on vouchers (enterprise);

-- What an enterprise was granted under a program in a calendar year; the ceiling is the program's annual cap.
create table grants (
  book       integer not null,
  program    text not null,
  enterprise text not null,
  year       integer not null,
  granted    bigint not null check (granted >= 0),
  ceiling    bigint not null,
  primary key (book, program, enterprise, year),
  check (granted <= ceiling)
) with (fillfactor = 80);

create table orders (
  book            integer not null,
  "order"         bigint not null,                -- the number of the command that filed it; also of its hold
  state           text not null check (state in ('filed', 'delivered', 'confirmed', 'submitted', 'returned',
                    'verified', 'approved', 'paid', 'cancelled', 'lapsed', 'rejected')),
  voucher         bigint not null,
  program         text not null,
  enterprise      text not null,
  provider        text not null,
  category        text not null,
  contract_no     text not null,
  contract_amount bigint not null check (contract_amount > 0),
  voucher_amount  bigint not null check (voucher_amount > 0),
  signed_on       date not null,
  filed_on        date not null,
  claim_by        date not null,
  deadline        date,                           -- the last day before it lapses; null while none runs
  payee           text not null check (payee in ('provider', 'enterprise')),
  payee_province  integer not null,
  score           integer,
  invoice_no      text check (invoice_no ~ '^[0-9]{20}$'),
  invoice_amount  bigint check (invoice_amount > 0),
  verified_by     text,
  approved        bigint check (approved > 0),
  approved_seq    bigint,
  clawed_back     bigint not null default 0,
  primary key (book, "order"),
  foreign key (book, voucher) references vouchers (book, voucher),
  check (approved <= voucher_amount),
  check (clawed_back between 0 and coalesce(approved, 0)),
  check ((state in ('approved', 'paid')) = (approved is not null)),
  check ((deadline is not null) = (state in ('filed', 'delivered', 'confirmed', 'returned')))
) with (fillfactor = 80);
create index orders_deadline on orders (deadline, book, program) where deadline is not null;
create index orders_enterprise on orders (enterprise);
create index orders_provider on orders (provider);
create index orders_voucher on orders (book, voucher);
create index orders_approved on orders (book, approved_seq) where approved_seq is not null;

-- A clearing period: closing records, for each book, the number up to which it reaches.
create table periods (
  period    text primary key,
  closing   bigint not null unique,               -- the number of the region's command that closed it
  through   date not null,
  closed_on date not null,
  netted    boolean not null,
  paid      boolean not null
);
create table period_reaches (
  period text not null references periods (period),
  book   integer not null references books (book),
  reach  bigint not null check (reach > 0),
  primary key (period, book)
);
-- What a period gathers, without walking the whole log.
create index commands_items on commands (book, seq) where kind in ('approve_claim', 'claw_back');
create index commands_item_days on commands (book, day) where kind in ('approve_claim', 'claw_back');
create index period_reaches_book on period_reaches (book);
