-- The items of a group, dated up to a day, that no close has taken: what a close now would take. As in period_items:
-- `latest` names, for each book, a close that took the most of what there is.
create function open_items(p_group text, p_through date)
returns table (book integer, seq bigint, day date, payee text, payee_province integer, amount bigint, agreement bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select i.book, i.seq, i.day, i.payee, i.payee_province, i.amount, i.agreement
  from books b
  left join lateral (
    select e.through, er.reach from period_reaches er join periods e on e.period = er.period
    where er.book = b.book and (e.group_name is null or e.group_name = p_group)
    order by e.through desc, er.reach desc limit 1
  ) latest on true
  cross join lateral (
    select s.* from settlement_items s
    where s.book = b.book and s.day > coalesce(latest.through, '-infinity') and s.day <= p_through
    union all
    select s.* from settlement_items s
    where s.book = b.book and s.seq > latest.reach and s.day <= least(latest.through, p_through)
  ) i
  where b.book <> 0 and p_group = i.group_name
    and not exists (
      select from periods e join period_reaches er on er.period = e.period
      where er.book = b.book and i.seq <= er.reach and i.day <= e.through
        and (e.group_name is null or e.group_name = i.group_name))
$$;
