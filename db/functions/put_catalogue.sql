-- A local category with its mappings: each is written once.
create function put_catalogue(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into catalogue (jurisdiction, code, mapping, name, category, valid_from, valid_to)
  select l.jurisdiction, l.code, m.mapping, m.name, m.category, m."from", m."to"
  from jsonb_to_recordset(rows) as l (jurisdiction integer, code text, mappings jsonb),
       jsonb_to_recordset(l.mappings) as m (mapping bigint, name text, category text, "from" date, "to" date)
  on conflict (jurisdiction, code, mapping) do nothing
$$;
