-- The items of a group, dated up to a day, that no close has taken: what a close now would take. As in period_items:
-- `latest` names, for each book, a close that took the most of what there is.
create function open_items(p_group text, p_through date)
returns table (book integer, seq bigint, day date, payee text, payee_province integer, amount bigint, agreement bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select t.book, c.seq, c.day, a.owner, a.province, case when t.type = 4 then t.amount else -t.amount end, g.agreement
  from books b
  left join lateral (
    select e.through, er.reach from period_reaches er join periods e on e.period = er.period
    where er.book = b.book and (e.group_name is null or e.group_name = p_group)
    order by e.through desc, er.reach desc limit 1
  ) latest on true
  cross join lateral (
    select i.seq, i.entry, i.day from commands i
    where i.book = b.book and i.kind in ('approve_claim', 'claw_back')
      and i.day > coalesce(latest.through, '-infinity') and i.day <= p_through
    union all
    select i.seq, i.entry, i.day from commands i
    where i.book = b.book and i.kind in ('approve_claim', 'claw_back')
      and i.seq > latest.reach and i.day <= least(latest.through, p_through)
  ) c
  join transfers t on t.book = b.book and t.entry = c.entry and ((t.type = 4 and t.phase = 2) or t.type in (5, 6))
  join accounts a on a.book = t.book and a.account = case when t.type = 4 then t.credit else t.debit end
  left join clearing_agreements g
    on g.one = least(t.book / 10000 * 10000, a.province) and g.other = greatest(t.book / 10000 * 10000, a.province)
    and cardinality(g.signed) = 2 and c.day between g.valid_from and least(g.valid_to, g.ended)
    and (g.covers = 'tree' or t.book % 10000 = 0)
  where b.book <> 0 and p_group = coalesce(g.group_name, 'region')
    and not exists (
      select from periods e join period_reaches er on er.period = e.period
      where er.book = b.book and c.seq <= er.reach and c.day <= e.through
        and (e.group_name is null or e.group_name = p_group))
$$;
