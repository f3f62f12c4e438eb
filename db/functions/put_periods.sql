-- A period with the numbers it reaches in each book: reaches are written once, at closing.
create function put_periods(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into periods (period, closing, through, closed_on, netted, paid)
  select r.period, r.closing, r.through, r."closedOn", r.netted, r.paid
  from jsonb_to_recordset(rows) as r (
    period text, closing bigint, through date, "closedOn" date, netted boolean, paid boolean)
  on conflict (period) do update set netted = excluded.netted, paid = excluded.paid;

  insert into period_reaches (period, book, reach)
  select p.period, r.key::integer, r.value::bigint
  from jsonb_to_recordset(rows) as p (period text, reaches jsonb), jsonb_each_text(p.reaches) as r
  on conflict (period, book) do nothing
$$;
