-- What was granted in a year, written as the value after the command; check (granted <= ceiling) guards the cap, which
-- is that of the version under which was last granted.
create function put_grants(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into grants (book, program, enterprise, year, granted, ceiling)
  select r.book, r.program, r.enterprise, r.year, r.granted, r.ceiling
  from jsonb_to_recordset(rows) as r (
    book integer, program text, enterprise text, year integer, granted bigint, ceiling bigint)
  on conflict (book, program, enterprise, year) do update set granted = excluded.granted, ceiling = excluded.ceiling
$$;
