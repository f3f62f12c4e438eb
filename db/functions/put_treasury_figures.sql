-- What the treasury says that it has given for a program, by its last word.
create function put_treasury_figures(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into treasury_figures (book, program, amount, as_of, document, recorded_on)
  select r.book, r.program, r.amount, r."asOf", r.document, r."recordedOn"
  from jsonb_to_recordset(rows) as r (
    book integer, program text, amount bigint, "asOf" date, document text, "recordedOn" date)
  on conflict (book, program) do update set
    amount = excluded.amount, as_of = excluded.as_of, document = excluded.document,
    recorded_on = excluded.recorded_on
$$;
