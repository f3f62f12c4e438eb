-- What has come in of instructions that another book pays.
create function put_instruction_receipts(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into instruction_receipts (book, payer, batch, line, received)
  select r.book, r.payer, r.batch, r.line, r.received
  from jsonb_to_recordset(rows) as r (book integer, payer integer, batch bigint, line integer, received bigint)
  on conflict (book, payer, batch, line) do update set received = excluded.received
$$;
