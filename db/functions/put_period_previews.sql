-- The last preview of a period.
create function put_period_previews(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into period_previews (period, preview, made_on, through, group_name, gross)
  select r.period, r.preview, r."madeOn", r.through, r."group", r.gross
  from jsonb_to_recordset(rows) as r (
    period text, preview bigint, "madeOn" date, through date, "group" text, gross jsonb)
  on conflict (period) do update set
    preview = excluded.preview, made_on = excluded.made_on, through = excluded.through,
    group_name = excluded.group_name, gross = excluded.gross
$$;
