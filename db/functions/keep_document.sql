-- Writes down that an organisation has uploaded a document; false when it would have uploaded more than p_most that day.
create function keep_document(
  p_sha256 text, p_organisation text, p_type text, p_bytes bigint, p_person text, p_moment bigint, p_day date, p_most bigint
) returns boolean
language plpgsql security definer set search_path = clearing, pg_temp as $$
begin
  insert into document_days as d (organisation, day, bytes)
  select p_organisation, p_day, p_bytes where p_bytes <= p_most
  on conflict (organisation, day) do update set bytes = d.bytes + excluded.bytes
  where d.bytes + excluded.bytes <= p_most;
  if not found then
    return false;
  end if;
  insert into documents (sha256, organisation, type, bytes, person, uploaded_at)
  values (p_sha256, p_organisation, p_type, p_bytes, p_person, to_timestamp(p_moment / 1000.0))
  on conflict (sha256, organisation) do update set uploaded_at = excluded.uploaded_at, person = excluded.person;
  return true;
end
$$;
