-- A provider's last application to a jurisdiction, as it stands.
create function put_recognition_applications(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into recognition_applications (provider, jurisdiction, application, categories, valid_from, valid_to, state, reason)
  select r.provider, r.jurisdiction, r.application, r.categories, r."from", r."to", r.state, r.reason
  from jsonb_to_recordset(rows) as r (
    provider text, jurisdiction integer, application bigint, categories text[], "from" date, "to" date, state text,
    reason text)
  on conflict (provider, jurisdiction) do update set
    application = excluded.application, categories = excluded.categories, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, state = excluded.state, reason = excluded.reason
$$;
