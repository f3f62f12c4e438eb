-- A period's items: approvals and claw-backs up to the number the period reaches in their book, dated up to its last
-- day, of the period's group, that no earlier close took. Positive: owed to the payee; negative: to come back. Fen.
-- Which group an item is of, and by which agreement, goes by the agreement in force on its day; a period without a
-- group takes all of them.
-- What an earlier close left is either dated after the last day it was for, or booked after the number it reached:
-- `latest` names such a close for each book, so that a period costs its own items and not those of all years.
-- With a book only those of that book.
create function period_items(p_period text, p_book integer default null)
returns table (book integer, seq bigint, day date, payee text, payee_province integer, amount bigint, agreement bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select t.book, c.seq, c.day, a.owner, a.province, case when t.type = 4 then t.amount else -t.amount end, g.agreement
  from periods p
  join period_reaches r on r.period = p.period and (p_book is null or r.book = p_book)
  left join lateral (
    select e.through, er.reach from period_reaches er join periods e on e.period = er.period
    where er.book = r.book and e.closing < p.closing and (e.group_name is null or e.group_name = p.group_name)
    order by e.through desc, er.reach desc limit 1
  ) latest on true
  cross join lateral (
    select i.seq, i.entry, i.day from commands i
    where i.book = r.book and i.kind in ('approve_claim', 'claw_back')
      and i.day > coalesce(latest.through, '-infinity') and i.day <= p.through and i.seq <= r.reach
    union all
    select i.seq, i.entry, i.day from commands i
    where i.book = r.book and i.kind in ('approve_claim', 'claw_back')
      and i.seq > latest.reach and i.seq <= r.reach and i.day <= least(latest.through, p.through)
  ) c
  join transfers t on t.book = r.book and t.entry = c.entry and ((t.type = 4 and t.phase = 2) or t.type in (5, 6))
  join accounts a on a.book = t.book and a.account = case when t.type = 4 then t.credit else t.debit end
  left join clearing_agreements g
    on g.one = least(t.book / 10000 * 10000, a.province) and g.other = greatest(t.book / 10000 * 10000, a.province)
    and cardinality(g.signed) = 2 and c.day between g.valid_from and least(g.valid_to, g.ended)
    and (g.covers = 'tree' or t.book % 10000 = 0)
  where p.period = p_period and (p.group_name is null or p.group_name = coalesce(g.group_name, 'region'))
    and not exists (
      select from periods e join period_reaches er on er.period = e.period
      where e.closing < p.closing and er.book = r.book and c.seq <= er.reach and c.day <= e.through
        and (e.group_name is null or e.group_name = coalesce(g.group_name, 'region')))
$$;
