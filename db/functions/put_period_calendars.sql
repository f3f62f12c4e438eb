-- The periods of a group and a year, as they are planned after the command.
create function put_period_calendars(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into period_calendars (group_name, year, version, periods)
  select r."group", r.year, r.version, r.periods
  from jsonb_to_recordset(rows) as r ("group" text, year integer, version bigint, periods jsonb)
  on conflict (group_name, year) do update set version = excluded.version, periods = excluded.periods
$$;
