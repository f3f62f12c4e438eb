-- A provider's profile, whole.
create function put_provider_profiles(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into provider_profiles (uscc, version, qualifications, services, instruments, contact)
  select r.uscc, r.version, r.qualifications, r.services, r.instruments, r.contact
  from jsonb_to_recordset(rows) as r (
    uscc text, version bigint, qualifications jsonb, services jsonb, instruments jsonb, contact jsonb)
  on conflict (uscc) do update set
    version = excluded.version, qualifications = excluded.qualifications, services = excluded.services,
    instruments = excluded.instruments, contact = excluded.contact
$$;
