-- An enterprise, whole: its profile, where it has been, its qualifications.
create function put_enterprises(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into enterprises (uscc, name, division, types, contact, version, moves, qualifications)
  select r.uscc, r.name, r.division, r.types, r.contact, r.version, r.moves, r.qualifications
  from jsonb_to_recordset(rows) as r (
    uscc text, name text, division text, types text[], contact text, version bigint, moves jsonb, qualifications jsonb)
  on conflict (uscc) do update set
    name = excluded.name, division = excluded.division, contact = excluded.contact, version = excluded.version,
    moves = excluded.moves, qualifications = excluded.qualifications
$$;
