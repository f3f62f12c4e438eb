-- What a program's pool pays the jurisdictions below, as it is after the command.
create function put_subsidies(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into subsidies (book, program, versions, runs)
  select r.book, r.program, r.versions, r.runs
  from jsonb_to_recordset(rows) as r (book integer, program text, versions jsonb, runs jsonb)
  on conflict (book, program) do update set versions = excluded.versions, runs = excluded.runs
$$;
