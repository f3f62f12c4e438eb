-- An application: who asks for what under which program is written once; what is asked and its course change.
create function put_applications(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into applications (book, application, version, state, program, enterprise, amount, applied_on, note, documents,
    reviewed_by, missing, reason, voucher)
  select r.book, r.application, r.version, r.state, r.program, r.enterprise, r.amount, r."appliedOn", r.note, r.documents,
    r."reviewedBy", r.missing, r.reason, r.voucher
  from jsonb_to_recordset(rows) as r (
    book integer, application bigint, version bigint, state text, program text, enterprise text, amount bigint,
    "appliedOn" date, note text, documents jsonb, "reviewedBy" text, missing text[], reason text, voucher bigint)
  on conflict (book, application) do update set
    version = excluded.version, state = excluded.state, amount = excluded.amount, applied_on = excluded.applied_on,
    note = excluded.note, documents = excluded.documents, reviewed_by = excluded.reviewed_by,
    missing = excluded.missing, reason = excluded.reason, voucher = excluded.voucher
$$;
