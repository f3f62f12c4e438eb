-- A draft as it was last written; one that was discarded keeps its row without rules.
create function put_program_drafts(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into program_drafts (jurisdiction, program, version, rules)
  select r.jurisdiction, r.program, r.version, r.rules
  from jsonb_to_recordset(rows) as r (jurisdiction integer, program text, version bigint, rules text)
  on conflict (jurisdiction, program) do update set version = excluded.version, rules = excluded.rules
$$;
