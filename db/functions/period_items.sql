-- A period's items: approvals and claw-backs up to the number the period reaches in their book, dated up to its last
-- day, of the period's group, that no earlier close took; a period without a group takes all of them.
-- What an earlier close left is either dated after the last day it was for, or booked after the number it reached:
-- `latest` names such a close for each book, so that a period costs its own items and not those of all years.
-- With a book only those of that book.
create function period_items(p_period text, p_book integer default null)
returns table (book integer, seq bigint, day date, payee text, payee_province integer, amount bigint, agreement bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select i.book, i.seq, i.day, i.payee, i.payee_province, i.amount, i.agreement
  from periods p
  join period_reaches r on r.period = p.period and (p_book is null or r.book = p_book)
  left join lateral (
    select e.through, er.reach from period_reaches er join periods e on e.period = er.period
    where er.book = r.book and e.closing < p.closing and (e.group_name is null or e.group_name = p.group_name)
    order by e.through desc, er.reach desc limit 1
  ) latest on true
  cross join lateral (
    select s.* from settlement_items s
    where s.book = r.book and s.day > coalesce(latest.through, '-infinity') and s.day <= p.through and s.seq <= r.reach
    union all
    select s.* from settlement_items s
    where s.book = r.book and s.seq > latest.reach and s.seq <= r.reach and s.day <= least(latest.through, p.through)
  ) i
  where p.period = p_period and (p.group_name is null or p.group_name = i.group_name)
    and not exists (
      select from periods e join period_reaches er on er.period = e.period
      where e.closing < p.closing and er.book = r.book and i.seq <= er.reach and i.day <= e.through
        and (e.group_name is null or e.group_name = i.group_name))
$$;
