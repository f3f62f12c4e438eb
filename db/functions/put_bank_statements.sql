-- Bank statements: how much of each is booked is all that changes.
create function put_bank_statements(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into bank_statements (book, statement, account, number, digest, from_day, to_day, opening, closing, lines, taken,
    repeated, first)
  select r.book, r.statement, r.account, r.number, r.digest, r."from", r."to", r.opening, r.closing, r.lines, r.taken,
         r.repeated, r.first
  from jsonb_to_recordset(rows) as r (book integer, statement text, account text, number text, digest text, "from" date,
    "to" date, opening bigint, closing bigint, lines integer, taken integer, repeated integer, first bigint)
  on conflict (book, statement) do update set taken = excluded.taken, repeated = excluded.repeated
$$;
