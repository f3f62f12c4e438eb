-- Which of these documents the organisation has uploaded. They stay from now on: something is about to rest on them.
create function name_documents(p_sha256 text[], p_organisation text) returns table (sha256 text, type text)
language sql security definer set search_path = clearing, pg_temp as $$
  update documents d set named = true
  where d.sha256 = any (p_sha256) and d.organisation = p_organisation
  returning d.sha256, d.type
$$;
