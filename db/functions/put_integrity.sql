create function put_integrity(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into integrity_entries (uscc, listing, valid_from, valid_to, reason, listed_by)
  select i.uscc, e.listing, e."from", e."to", e.reason, e."by"
  from jsonb_to_recordset(rows) as i (uscc text, entries jsonb),
       jsonb_to_recordset(i.entries) as e (listing bigint, "from" date, "to" date, reason text, "by" text)
  on conflict (uscc, listing) do nothing
$$;
