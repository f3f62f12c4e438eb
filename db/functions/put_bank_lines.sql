-- Bank lines with what they were taken for: a line is written once, and once what it is taken for.
create function put_bank_lines(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into bank_lines (book, account, serial, statement, line, day, side, amount, name, reference,
    booked)
  select r.book, r.account, r.serial, r.statement, r.line, r.day, r.side, r.amount, r.name, r.reference,
         r.booked
  from jsonb_to_recordset(rows) as r (book integer, account text, serial text, statement text, line integer, day date,
    side text, amount bigint, name text, reference text, booked bigint)
  on conflict (book, account, serial) do nothing;

  insert into bank_matches (book, account, serial, match, kind, payer, batch, line, payee, amount)
  select r.book, r.account, r.serial, m.n, m.match ->> 'kind', (m.match ->> 'payer')::integer,
         (m.match ->> 'batch')::bigint, (m.match ->> 'line')::integer, m.match ->> 'payee', (m.match ->> 'amount')::bigint
  from jsonb_to_recordset(rows) as r (book integer, account text, serial text, matches jsonb),
    jsonb_array_elements(r.matches) with ordinality as m (match, n)
  on conflict (book, account, serial, match) do nothing
$$;
