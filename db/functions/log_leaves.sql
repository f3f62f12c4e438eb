-- The leaves of logs: commands p_after + 1 to p_until of each book, as canonical JSON (RFC 8785). A leaf has ids, never
-- names or account numbers: who asked, what and what came of it are only committed to, by `content` =
-- SHA-256(SHA-256(salt ‖ seq) ‖ text), seq as eight bytes. An entry too long for a leaf stands beside it in `long`, the
-- leaf has its SHA-256. `salt` and `content` open what was committed to, for whoever may see it.
create function log_leaves(p_book integer[], p_after bigint[], p_until bigint[], p_opened boolean)
returns table (book integer, seq bigint, leaf text, long text, salt bytea, content text)
language plpgsql stable set search_path = clearing, pg_temp
set datestyle = 'ISO'
-- By keys only, whatever the planner knows: laterals, which it cannot turn round, and one hash join over what they found.
set enable_seqscan = off set enable_mergejoin = off set enable_nestloop = off set jit = off
as $$
declare
  kinds text[] := (select array_agg(k.name order by k.kind) from account_kinds k);
  -- How a line ends, by type and phase.
  ends text[] := (
    select array_agg(',"phase":"' || p.name || '","type":"' || t.name || '"}' order by t.type, p.phase)
    from legal_transfers t
    cross join (values (0, 'post'), (1, 'hold'), (2, 'capture'), (3, 'release')) as p (phase, name));
begin
  return query
  with k as (
    select k.book, k.after, k.until, s.salt
    from unnest(p_book, p_after, p_until) as k (book, after, until)
    cross join lateral (select s.salt from log_salts s where s.book = k.book offset 0) s
  ), r as (
    select k.book, min(c.entry) as low, max(c.entry) as high
    from k
    cross join lateral (
      select c.entry from commands c where c.book = k.book and c.seq > k.after and c.seq <= k.until offset 0) c
    where c.entry is not null group by k.book
  ), t as (
    -- All lines in one pass: an aggregate for each command would cost as much again.
    select l.book, l.seq, l.entry, string_agg(l.line, ',' order by l.n) as lines
    from (
      select t.book, t.seq, t.entry, t.line as n,
             '{"amount":"' || t.amount / 100 || '.' || lpad((t.amount % 100)::text, 2, '0')
               || '","credit":' || to_json(kinds[cr.kind] || case cr.owner when '' then '' else ':' || cr.owner end)
               || ',"debit":' || to_json(kinds[dr.kind] || case dr.owner when '' then '' else ':' || dr.owner end)
               || coalesce(',"hold":' || t.hold || ',"leg":' || t.leg, '') || ends[t.type * 4 - 3 + t.phase] as line
      from r
      cross join lateral (select * from transfers t where t.book = r.book and t.entry between r.low and r.high offset 0) t
      cross join lateral (
        select a.kind, a.owner from accounts a where a.book = t.book and a.account = t.debit offset 0) dr
      cross join lateral (
        select a.kind, a.owner from accounts a where a.book = t.book and a.account = t.credit offset 0) cr
    ) l group by l.book, l.seq, l.entry
  )
  select c.book, c.seq,
         '{"book":"' || lpad(c.book::text, 6, '0') || '","bookedAt":"'
           || to_char(c.booked_at at time zone 'UTC' + interval '8 hours', 'YYYY-MM-DD"T"HH24:MI:SS.MS')
           || '+08:00","content":"' || encode(sha256(h.salt || convert_to(h.content, 'UTF8')), 'hex')
           || '","day":"' || c.day || '","entry":' || coalesce(c.entry::text, 'null') || ',"kind":"' || c.kind
           || '","rests":' || replace(c.rests::text, ' ', '') || ',"seq":' || c.seq
           || case when length(t.lines) > 15000
                then ',"transfersHash":"' || encode(sha256(convert_to('[' || t.lines || ']', 'UTF8')), 'hex') || '"}'
                else ',"transfers":[' || coalesce(t.lines, '') || ']}' end,
         case when length(t.lines) > 15000 then '[' || t.lines || ']' end,
         case when p_opened then h.salt end, case when p_opened then h.content end
  from k
  cross join lateral (
    select * from commands c where c.book = k.book and c.seq > k.after and c.seq <= k.until offset 0) c
  cross join lateral (
    select a.organisation, a.subject, a.origin from actors a where a.actor = c.actor offset 0) a
  cross join lateral (
    select sha256(k.salt || int8send(c.seq)) as salt,
           '[' || to_json(a.organisation) || ',' || to_json(a.subject) || ',' || to_json(a.origin) || ','
             || coalesce('"' || c.key || '"', 'null') || ',' || coalesce('"' || c.fingerprint || '"', 'null') || ','
             || c.body::text || ',' || c.event::text || ',' || coalesce(c.changes::text, 'null') || ']' as content
    offset 0
  ) h
  left join t on t.book = c.book and t.seq = c.seq and t.entry = c.entry;
end
$$;
