-- What stands of a person: written once, and ended once, at once or with an earlier last day.
create function put_people(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into standings (person, number, kind, jurisdiction, principal, roles, roles_from, valid_from, valid_to, reason,
    document, ended)
  select p.person, s.number, s.kind, s.jurisdiction, s.principal, s.roles, s."rolesFrom", s."from", s."to", s.reason,
    s.document, s.ended
  from jsonb_to_recordset(rows) as p (person text, standings jsonb),
       jsonb_to_recordset(p.standings) as s (
         number bigint, kind text, jurisdiction integer, principal text, roles text[], "rolesFrom" text, "from" date,
         "to" date, reason text, document text, ended bigint)
  on conflict (person, number) do update set ended = excluded.ended, valid_to = excluded.valid_to
  where (standings.ended, standings.valid_to) is distinct from (excluded.ended, excluded.valid_to)
$$;
