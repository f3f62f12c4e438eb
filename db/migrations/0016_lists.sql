-- Lists that answer at once however many orders there are: by stage for bureaus, in order for providers.

-- Where an order stands, only as finely as can be had without a new row version in every index: what moves between two
-- stages changes an indexed column anyway, what moves within one (delivered, confirmed, verified, paid) changes none.
alter table orders add column stage smallint not null generated always as (
  case state
    when 'returned' then 1
    when 'submitted' then 2 when 'verified' then 2
    when 'approved' then 3 when 'paid' then 3
    when 'cancelled' then 4 when 'declined' then 4
    when 'lapsed' then 5
    when 'rejected' then 6
    else 0
  end) stored;
create index orders_stage on orders (stage, book, "order");

drop index orders_provider;
create index orders_provider on orders (provider, book, "order");
