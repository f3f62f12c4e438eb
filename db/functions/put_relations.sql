-- Who stands behind a party: its own word and the bureaus', as they are after the command.
create function put_relations(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into relations (uscc, version, declared, recorded)
  select r.uscc, r.version, r.declared, r.recorded
  from jsonb_to_recordset(rows) as r (uscc text, version bigint, declared jsonb, recorded jsonb)
  on conflict (uscc) do update set
    version = excluded.version, declared = excluded.declared, recorded = excluded.recorded
$$;
