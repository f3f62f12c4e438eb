create function put_enterprises(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into enterprises (uscc, name, division, types)
  select r.uscc, r.name, r.division, r.types
  from jsonb_to_recordset(rows) as r (uscc text, name text, division text, types text[])
$$;
