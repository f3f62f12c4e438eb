-- The last review of a provider at home, with its notice and what was said against it.
create function put_home_reviews(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into home_reviews (uscc, review, reviewed_by, verdict, reason, notice_ends, notice_left, objections)
  select r.uscc, r.review, r."by", r.verdict, r.reason, r."noticeEnds", r."noticeLeft", r.objections
  from jsonb_to_recordset(rows) as r (
    uscc text, review bigint, "by" text, verdict text, reason text, "noticeEnds" date, "noticeLeft" integer,
    objections jsonb)
  on conflict (uscc) do update set
    review = excluded.review, reviewed_by = excluded.reviewed_by, verdict = excluded.verdict,
    reason = excluded.reason, notice_ends = excluded.notice_ends, notice_left = excluded.notice_left,
    objections = excluded.objections
$$;
