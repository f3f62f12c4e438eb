-- The daily work of orders and claims: acceptance, supplements, change of provider, items to complete, objections, appeals,
-- and the calendar of workdays that their deadlines are counted by. All of it is off unless a program sets it or it is used.

alter type command_kind add value 'accept_order';
alter type command_kind add value 'decline_order';
alter type command_kind add value 'supplement_order';
alter type command_kind add value 'file_objection';
alter type command_kind add value 'resolve_objection';
alter type command_kind add value 'appeal_claim';
alter type command_kind add value 'decide_claim_appeal';
alter type command_kind add value 'publish_workdays';

-- A year's notice of holidays, as the region's office published it.
create table workdays (
  year     integer primary key,
  document text not null,                          -- 文号
  off      text[] not null,                        -- days off, weekends among them
  work     text[] not null,                        -- weekend days that are worked
  version  bigint not null                         -- the number of the region's command that last wrote it
);

alter table programs
  add column acceptance_days integer check (acceptance_days > 0),  -- workdays in which the provider accepts an order
  add column appeal_days integer check (appeal_days > 0);          -- workdays in which a rejection can be appealed

alter table orders
  add column dossier jsonb,                        -- what it has gathered besides its course; null for most
  drop constraint orders_state_check,
  add constraint orders_state_check check (state in ('filed', 'accepted', 'delivered', 'confirmed', 'submitted',
    'returned', 'verified', 'approved', 'paid', 'cancelled', 'declined', 'lapsed', 'rejected')),
  drop constraint orders_check3,
  add constraint orders_check3
    check ((deadline is not null) = (state in ('filed', 'accepted', 'delivered', 'confirmed', 'returned')));
-- Of claims under public notice; most orders have none. Not by state: an index that names it would make every step of an
-- order write all its indexes anew.
create index orders_notice on orders (notice_ends, book, "order") where notice_ends is not null;

-- The steps of an order, for its timeline. Of every 32 pages of the log it is kept which orders they may speak of, which
-- costs a command next to nothing; what is not summarised yet is read.
create index commands_order on commands using brin (book int4_minmax_multi_ops, (body ->> 'order') text_bloom_ops)
  with (pages_per_range = 32, autosummarize = on) where kind not in ('issue', 'file_order', 'pay');
