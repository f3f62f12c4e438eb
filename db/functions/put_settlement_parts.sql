-- What of a settlement is booked.
create function put_settlement_parts(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into settlement_parts (book, period, part, piece, seq)
  select r.book, r.period, r.part, r.piece, r.seq
  from jsonb_to_recordset(rows) as r (book integer, period text, part text, piece integer, seq bigint)
$$;
