-- All clearing agreements of two provinces: signed once by each, then only ended.
create function put_clearing_agreements(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into clearing_agreements (one, other, agreement, version, mode, group_name, covers, threshold, cap, valid_from,
    valid_to, document, signed, ended)
  select p.one, p.other, a.agreement, a.version, a.mode, a."group", a.covers, a.threshold, a.cap, a."from", a."to",
         a.document, a.signed, a.ended
  from jsonb_to_recordset(rows) as p (one integer, other integer, agreements jsonb),
       jsonb_to_recordset(p.agreements) as a (
         agreement bigint, version bigint, mode text, "group" text, covers text, threshold bigint, cap bigint,
         "from" date, "to" date, document text, signed integer[], ended date)
  on conflict (one, other, agreement) do update set
    version = excluded.version, signed = excluded.signed, ended = excluded.ended
  where clearing_agreements.version <> excluded.version
$$;
