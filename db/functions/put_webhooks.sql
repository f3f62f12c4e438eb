-- All webhooks of an owner. A new one hears of what comes after the heads as they stand now; a replay gets a lane of its
-- own, up to the head as it stands now; one that is resumed is tried at once, one that has ended leaves no lanes.
create function put_webhooks(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  with given as (
    select o.owner, w.*
    from jsonb_to_recordset(rows) as o (owner text, webhooks jsonb),
         jsonb_to_recordset(o.webhooks) as w (
           number bigint, version bigint, url text, kinds text[], state text, reason text, secret bigint, former bigint,
           "formerUntil" date, replays jsonb, "madeBy" text)
  ), before as (
    select w.number, w.version, w.state from webhooks w join given g on g.number = w.number
  ), put as (
    insert into webhooks (number, owner, version, url, kinds, state, reason, secret, former, former_until, replays, made_by)
    select number, owner, version, url, kinds, state, reason, secret, former, "formerUntil", replays, "madeBy" from given
    on conflict (number) do update set
      version = excluded.version, state = excluded.state, reason = excluded.reason, secret = excluded.secret,
      former = excluded.former, former_until = excluded.former_until, replays = excluded.replays
    where webhooks.version <> excluded.version
  ), resumed as (
    update webhook_lanes l set attempts = 0, due = null, failing_since = null, error = null
    from given g join before b on b.number = g.number
    where l.webhook = g.number and g.state = 'active' and b.state <> 'active'
  ), ended as (
    delete from webhook_lanes l using given g where l.webhook = g.number and g.state = 'ended'
  )
  insert into webhook_lanes (webhook, book, lane, position, until)
  select g.number, b.book, 0, b.seq, null
  from given g join books b on b.seq > 0 and case
    -- Of the region's book everybody hears what is done to its own bank account.
    when b.book = 0 or length(g.owner) > 6 then true
    -- A jurisdiction and those below it share its digits, up to the pairs of zeros at its end.
    else lpad(b.book::text, 6, '0') like regexp_replace(g.owner, '(00)+$', '') || '%' end
  where g.number not in (select number from before)
  union all
  select g.number, r.book, r.number, r."from" - 1, least(r."to", b.seq)
  from given g,
       jsonb_to_recordset(g.replays) as r (number bigint, book integer, "from" bigint, "to" bigint)
       join books b on b.book = r.book and b.seq >= r."from"
  where g.state <> 'ended' and r.number > coalesce((select version from before where before.number = g.number), 0)
  on conflict do nothing
$$;
