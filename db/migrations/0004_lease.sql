-- Who runs the engine: one process at a time, for as long as it keeps saying so. It spares two engines from getting in
-- each other's way; what keeps the books right is the fence in record. State of running processes, not of the ledger.
create table lease (
  one        boolean primary key default true check (one),
  holder     uuid,                                -- a process's own number; who can read it here may send it commands
  address    text,                                -- where the other processes reach it
  until      timestamptz not null                 -- by the database's clock
);
insert into lease (until) values ('-infinity');
