-- A period's items: approvals and claw-backs up to the number the period reaches in their book, dated up to its last
-- day, that no earlier close took. Positive: owed to the payee; negative: to come back. Fen.
create function period_items(p_period text)
returns table (book integer, seq bigint, payee text, payee_province integer, amount bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select t.book, c.seq, a.owner, a.province, case when t.type = 4 then t.amount else -t.amount end
  from periods p
  join period_reaches r on r.period = p.period
  join commands c on c.book = r.book and c.seq <= r.reach and c.day <= p.through
                 and c.kind in ('approve_claim', 'claw_back')
  join transfers t on t.book = c.book and t.entry = c.entry and ((t.type = 4 and t.phase = 2) or t.type in (5, 6))
  join accounts a on a.book = t.book and a.account = case when t.type = 4 then t.credit else t.debit end
  where p.period = p_period
    and not exists (
      select from periods e join period_reaches er on er.period = e.period
      where e.closing < p.closing and er.book = c.book and c.seq <= er.reach and c.day <= e.through)
$$;
