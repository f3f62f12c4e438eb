-- Payment batches with their lines: who is paid for what is written once, what comes of it changes.
create function put_payment_batches(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into payment_batches (book, batch, period, source)
  select r.book, r.batch, r.period, r.source
  from jsonb_to_recordset(rows) as r (book integer, batch bigint, period text, source text)
  on conflict (book, batch) do nothing;

  insert into payment_lines as kept (book, batch, line, payee, province, amount, clawed_back, set_off, state, released, paid, release,
    account, bounces)
  select r.book, r.batch, l.line, l.payee, l.province, l.amount, l."clawedBack", l."setOff", l.state, l.released, l.paid, l.release,
         l.account, l.bounces
  from jsonb_to_recordset(rows) as r (book integer, batch bigint, lines jsonb), jsonb_to_recordset(r.lines) as l (
    line integer, payee text, province integer, amount bigint, "clawedBack" bigint, "setOff" bigint, state text, released bigint, paid bigint,
    release bigint, account bigint, bounces integer)
  on conflict (book, batch, line) do update set
    set_off = excluded.set_off, state = excluded.state, released = excluded.released, paid = excluded.paid,
    release = excluded.release, account = excluded.account, bounces = excluded.bounces
  where (kept.set_off, kept.state, kept.released, kept.paid, kept.release, kept.account, kept.bounces)
    is distinct from (excluded.set_off, excluded.state, excluded.released, excluded.paid, excluded.release,
      excluded.account, excluded.bounces)
$$;
