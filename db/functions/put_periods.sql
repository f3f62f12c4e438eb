-- A period with the numbers it reaches in each book and what became of its pairs: both are written once.
create function put_periods(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into periods (period, closing, through, closed_on, netted, paid, group_name, settled)
  select r.period, r.closing, r.through, r."closedOn", r.netted, r.paid, r."group", r.settled
  from jsonb_to_recordset(rows) as r (
    period text, closing bigint, through date, "closedOn" date, netted boolean, paid boolean, "group" text,
    settled boolean)
  on conflict (period) do update set netted = excluded.netted, paid = excluded.paid, settled = excluded.settled;

  insert into period_reaches (period, book, reach)
  select p.period, r.key::integer, r.value::bigint
  from jsonb_to_recordset(rows) as p (period text, reaches jsonb), jsonb_each_text(p.reaches) as r
  on conflict (period, book) do nothing;

  insert into period_pairs (period, one, other, agreement, net, netted, why)
  select p.period, r.one, r.other, r.agreement, r.net, r.netted, r.why
  from jsonb_to_recordset(rows) as p (period text, pairs jsonb), jsonb_to_recordset(p.pairs) as r (
    one integer, other integer, agreement bigint, net bigint, netted boolean, why text)
  on conflict (period, one, other, agreement) do nothing
$$;
