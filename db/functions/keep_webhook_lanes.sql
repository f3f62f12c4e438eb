-- Keeps how far webhooks have heard, at a moment in milliseconds. A position never goes back; `came` says what became of
-- the event at it: 'delivered', or 'dead' after the last try. A replay that has reached its end is gone.
create function keep_webhook_lanes(p_lanes jsonb, p_moment bigint) returns void
language plpgsql security definer set search_path = clearing, pg_temp as $$
begin
  insert into webhook_lanes as l (webhook, book, lane, position, until, attempts, due, failing_since, error)
  select k.webhook, k.book, k.lane, k.position, k.until, k.attempts, to_timestamp(k.due / 1000.0),
         to_timestamp(k."failingSince" / 1000.0), k.error
  from jsonb_to_recordset(p_lanes) as k (
         webhook bigint, book integer, lane bigint, position bigint, until bigint, attempts integer, due bigint,
         "failingSince" bigint, error text)
  join webhooks w on w.number = k.webhook and w.state <> 'ended'
  on conflict (webhook, book, lane) do update set
    position = excluded.position, attempts = excluded.attempts, due = excluded.due,
    failing_since = excluded.failing_since, error = excluded.error
  where l.position <= excluded.position;

  delete from webhook_lanes l using jsonb_to_recordset(p_lanes) as k (webhook bigint, book integer, lane bigint)
  where l.webhook = k.webhook and l.book = k.book and l.lane = k.lane and l.position >= l.until;

  insert into webhook_letters (webhook, book, seq, kind, error, given_up)
  select k.webhook, k.book, k.position, k.kind, k.error, to_timestamp(p_moment / 1000.0)
  from jsonb_to_recordset(p_lanes) as k (
         webhook bigint, book integer, position bigint, came text, kind text, error text)
  where k.came = 'dead'
  on conflict (webhook, book, seq) do update set error = excluded.error, given_up = excluded.given_up;

  delete from webhook_letters d
  using jsonb_to_recordset(p_lanes) as k (webhook bigint, book integer, position bigint, came text)
  where k.came = 'delivered' and d.webhook = k.webhook and d.book = k.book and d.seq = k.position;
end
$$;
