-- Bank lines that nothing was found for: who looks after one and what came of it is all that changes.
create function put_bank_exceptions(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into bank_exceptions (book, exception, line, account, serial, reason, opened_on, owner, state, resolution)
  select r.book, r.exception, r.line, r.account, r.serial, r.reason, r."openedOn", r.owner, r.state,
         nullif(r.resolution, 'null')
  from jsonb_to_recordset(rows) as r (book integer, exception bigint, line integer, account text, serial text,
    reason text, "openedOn" date, owner text, state text, resolution jsonb)
  on conflict (book, exception, line) do update set
    owner = excluded.owner, state = excluded.state, resolution = excluded.resolution
$$;
