-- A proposal: written once; only what was decided of it comes later.
create function put_proposals(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into proposals (book, proposal, kind, command, jurisdiction, proposed_by, proposed_on, note, state, decided_by)
  select r.book, r.proposal, r.kind, r.command, r.jurisdiction, r."proposedBy", r."proposedOn", r.note, r.state,
         r."decidedBy"
  from jsonb_to_recordset(rows) as r (
    book integer, proposal bigint, kind text, command text, jurisdiction integer, "proposedBy" text,
    "proposedOn" date, note text, state text, "decidedBy" text)
  on conflict (book, proposal) do update set state = excluded.state, decided_by = excluded.decided_by
$$;
