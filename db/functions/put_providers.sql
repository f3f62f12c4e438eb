-- A provider with its recognitions: the provider is written once, a recognition may be ended later.
create function put_providers(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into providers (uscc, name, division, categories)
  select r.uscc, r.name, r.division, r.categories
  from jsonb_to_recordset(rows) as r (uscc text, name text, division text, categories text[])
  on conflict (uscc) do nothing;

  insert into recognitions (provider, recognition, jurisdiction, categories, valid_from, valid_to, ended)
  select p.uscc, r.recognition, r.jurisdiction, r.categories, r."from", r."to", r.ended
  from jsonb_to_recordset(rows) as p (uscc text, recognitions jsonb),
       jsonb_to_recordset(p.recognitions) as r (
         recognition bigint, jurisdiction integer, categories text[], "from" date, "to" date, ended bigint)
  on conflict (provider, recognition) do update set ended = excluded.ended
  where recognitions.ended is distinct from excluded.ended;

  insert into provider_suspensions (provider, suspension, jurisdiction, everywhere, lifted)
  select p.uscc, s.suspension, s.jurisdiction, s.everywhere, s.lifted
  from jsonb_to_recordset(rows) as p (uscc text, suspensions jsonb),
       jsonb_to_recordset(p.suspensions) as s (suspension bigint, jurisdiction integer, everywhere boolean, lifted bigint)
  on conflict (provider, suspension) do update set lifted = excluded.lifted
  where provider_suspensions.lifted is distinct from excluded.lifted
$$;
