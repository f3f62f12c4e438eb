-- A party's entries on the integrity list: what was said when it was listed stays, its terms and course change.
create function put_integrity(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into integrity_entries (uscc, listing, valid_from, valid_to, reason, listed_by, jurisdiction, person, source,
    decision, reach, consequences, version, removed, corrections, appeals, acknowledged, proposed_by)
  select i.uscc, e.listing, e."from", e."to", e.reason, e."by", e.jurisdiction, e.person, e.source, e.decision, e.reach,
    e.consequences, e.version, e.removed, e.corrections, e.appeals, e.acknowledged, e."proposedBy"
  from jsonb_to_recordset(rows) as i (uscc text, entries jsonb),
       jsonb_to_recordset(i.entries) as e (
         listing bigint, "from" date, "to" date, reason text, "by" text, jurisdiction integer, person text, source text,
         decision text, reach text[], consequences text[], version bigint, removed bigint, corrections jsonb,
         appeals jsonb, acknowledged jsonb, "proposedBy" text)
  on conflict (uscc, listing) do update set
    valid_from = excluded.valid_from, valid_to = excluded.valid_to, reach = excluded.reach,
    consequences = excluded.consequences, version = excluded.version, removed = excluded.removed,
    corrections = excluded.corrections, appeals = excluded.appeals, acknowledged = excluded.acknowledged
$$;
