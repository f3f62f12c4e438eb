-- A year's notice of holidays, as it was last published.
create function put_workdays(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into workdays (year, document, off, work, version)
  select r.year, r.document, r.off, r.work, r.version
  from jsonb_to_recordset(rows) as r (year integer, document text, off text[], work text[], version bigint)
  on conflict (year) do update set
    document = excluded.document, off = excluded.off, work = excluded.work, version = excluded.version
$$;
