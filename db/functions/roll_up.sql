-- Adds the log up for reports: of each book the next commands, at most so many in all. Returns how many it was. What it
-- writes follows from the log alone, so that it may be emptied and made again.
create function roll_up(p_most integer) returns integer
language plpgsql security definer set search_path = clearing, pg_temp
set enable_seqscan = off  -- a plan made while a table was empty must not outlive that
as $$
declare
  books_of integer[];
  lows bigint[];
  highs bigint[];
  done integer;
begin
  -- One at a time: who comes second finds what is left.
  lock table report_heads in exclusive mode;  -- one at a time
  select array_agg(n.book), array_agg(n.low), array_agg(least(n.high, n.low + p_most - n.before)),
         coalesce(sum(least(n.high, n.low + p_most - n.before) - n.low), 0)
  into books_of, lows, highs, done
  from (
    select b.book, coalesce(h.seq, 0) as low, b.seq as high,
           coalesce(sum(b.seq - coalesce(h.seq, 0)) over (order by b.book rows between unbounded preceding and 1 preceding), 0)
             as before
    from books b left join report_heads h on h.book = b.book
    where b.book > 0 and b.seq > coalesce(h.seq, 0)
  ) n
  where n.before < p_most;
  if done = 0 then
    return 0;
  end if;

  insert into report_supplements (book, "order", seq, amount)
  select c.book, split_part(c.body ->> 'order', '-', 2)::bigint, c.seq, ((c.event ->> 'voucherAmount')::numeric * 100)::bigint
  from unnest(books_of, lows, highs) as s (book, low, high)
  join commands c on c.book = s.book and c.seq > s.low and c.seq <= s.high
  where c.kind = 'supplement_order';

  insert into report_clawbacks (book, "order", seq, amount)
  select c.book, split_part(c.body ->> 'order', '-', 2)::bigint, c.seq, ((c.event ->> 'amount')::numeric * 100)::bigint
  from unnest(books_of, lows, highs) as s (book, low, high)
  join commands c on c.book = s.book and c.seq > s.low and c.seq <= s.high
  where c.kind = 'claw_back' and c.event ->> 'state' = 'approved';

  -- The first claim of an order counts, not what was completed after it was returned.
  insert into report_claims (book, "order", seq, claimed_on)
  select distinct on (n.book, n."order") n.book, n."order", n.seq, n.day
  from (
    select c.book, split_part(c.body ->> 'order', '-', 2)::bigint as "order", c.seq, c.day
    from unnest(books_of, lows, highs) as s (book, low, high)
    join commands c on c.book = s.book and c.seq > s.low and c.seq <= s.high
    where c.kind = 'submit_claim'
  ) n
  order by n.book, n."order", n.seq
  on conflict (book, "order") do nothing;

  with span as materialized (
    select s.book, s.low, s.high,
           -- The last day that a close which did not reach so far was for: nearly always long ago.
           coalesce((select max(p.through) from periods p
                     left join period_reaches r on r.period = p.period and r.book = s.book
                     where coalesce(r.reach, 0) < s.high), '-infinity') as over
    from unnest(books_of, lows, highs) as s (book, low, high)
  ), cmd as materialized (
    select c.book, c.seq, c.entry, c.kind::text as kind, c.day,
           case when c.day > s.over then 0 else coalesce((
             select max(p.closing) from periods p
             left join period_reaches r on r.period = p.period and r.book = c.book
             where p.through >= c.day and coalesce(r.reach, 0) < c.seq), 0) end as passed,
           case when c.kind = 'file_order' then c.seq
                when c.kind in ('deliver', 'confirm', 'submit_claim', 'approve_claim', 'claw_back', 'lapse_order')
                then split_part(c.body ->> 'order', '-', 2)::bigint end as "order",
           -- Of marked orders, those that it changed.
           case when c.kind = 'pay' then c.body when c.kind::text = 'mark_paid' then c.event end as body,
           case when c.kind = 'claw_back' then c.event ->> 'state' end as state
    from span s join commands c on c.book = s.book and c.seq > s.low and c.seq <= s.high
  ), ranges as (
    select book, min(entry) as first, max(entry) as last from cmd where entry is not null group by book
  ), line as materialized (
    select t.book, c.day, c.passed, t.seq, t.type, t.phase, t.credit, t.amount, coalesce(t.hold, c."order") as "order"
    from ranges r
    join transfers t on t.book = r.book and t.entry between r.first and r.last
    join cmd c on c.book = t.book and c.seq = t.seq
    where t.type in (2, 3, 4, 5, 6)
  ), step as (
    select c.book, c.day, c.passed, c.kind, c."order",
           case when c.kind in ('deliver', 'confirm', 'submit_claim') then coalesce(
             (select s.amount from report_supplements s
              where s.book = c.book and s."order" = c."order" and s.seq < c.seq order by s.seq desc limit 1),
             (select ((f.event ->> 'held')::numeric * 100)::bigint from commands f
              where f.book = c.book and f.seq = c."order")) else 0 end as amount
    from cmd c
    where c.kind in ('file_order', 'deliver', 'confirm', 'approve_claim', 'lapse_order')
       or (c.kind = 'submit_claim'
           and exists (select from report_claims l where l.book = c.book and l."order" = c."order" and l.seq = c.seq))
  ), paying as materialized (
    -- Once more or, when a payment came back, once less.
    select c.book, c.day, c.passed, p."order", case c.body ->> 'state' when 'approved' then -1 else 1 end as times,
           o.approved - coalesce((select sum(b.amount) from report_clawbacks b
                                  where b.book = c.book and b."order" = p."order" and b.seq < c.seq), 0)::bigint as amount,
           a.day as approved_on, l.claimed_on
    from cmd c
    cross join lateral (
      select split_part(id, '-', 2)::bigint as "order" from json_array_elements_text(c.body -> 'orders') as id
    ) p
    join orders o on o.book = c.book and o."order" = p."order"
    join commands a on a.book = o.book and a.seq = o.approved_seq
    left join report_claims l on l.book = o.book and l."order" = o."order"
    where c.body is not null
  ), late as (
    insert into report_lates select distinct passed from cmd where passed > 0 on conflict do nothing
  ), moved as materialized (
    -- What concerns an order.
    select m.book, m.day, m.passed, o.program, o.category, o.payee_province, o.provider, o.enterprise,
           m.filed, m.held, m.released, m.orders_lapsed, m.delivered, m.delivered_amount, m.confirmed, m.confirmed_amount,
           m.claimed, m.claimed_amount, m.approved, m.approved_amount, m.clawed_back, m.paid, m.paid_amount
    from (
      select book, day, passed, "order", sum(filed) as filed, sum(held) as held, sum(released) as released,
             sum(orders_lapsed) as orders_lapsed,
             sum(delivered) as delivered, sum(delivered_amount) as delivered_amount, sum(confirmed) as confirmed,
             sum(confirmed_amount) as confirmed_amount, sum(claimed) as claimed, sum(claimed_amount) as claimed_amount,
             sum(approved) as approved, sum(approved_amount) as approved_amount, sum(clawed_back) as clawed_back,
             sum(paid) as paid, sum(paid_amount) as paid_amount
      from (
        select book, day, passed, "order", (kind = 'file_order')::int as filed, 0::bigint as held, 0::bigint as released,
               (kind = 'lapse_order')::int as orders_lapsed,
               (kind = 'deliver')::int as delivered, case kind when 'deliver' then amount else 0 end as delivered_amount,
               (kind = 'confirm')::int as confirmed, case kind when 'confirm' then amount else 0 end as confirmed_amount,
               (kind = 'submit_claim')::int as claimed,
               case kind when 'submit_claim' then amount else 0 end as claimed_amount,
               (kind = 'approve_claim')::int as approved, 0::bigint as approved_amount, 0::bigint as clawed_back,
               0 as paid, 0::bigint as paid_amount
        from step
        union all
        select book, day, passed, "order", 0, case when phase = 1 then amount else 0 end,
               case when phase = 3 then amount else 0 end, 0, 0, 0, 0, 0, 0, 0, 0,
               case when type = 4 and phase = 2 then amount else 0 end, case when type in (5, 6) then amount else 0 end, 0, 0
        from line where type >= 4
        union all
        select book, day, passed, "order", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, times, times * amount from paying
      ) e
      group by book, day, passed, "order"
    ) m
    join orders o on o.book = m.book and o."order" = m."order"
  ), vouched as materialized (
    -- What concerns vouchers alone.
    select l.book, l.day, l.passed, v.program, v.enterprise, 1 as issues, l.amount as issued, 0 as lapses, 0::bigint as lapsed
    from line l join vouchers v on v.book = l.book and v.voucher = l.seq
    where l.type = 2
    union all
    select l.book, l.day, l.passed, a.owner, null, 0, 0, 1, l.amount
    from line l join accounts a on a.book = l.book and a.account = l.credit
    where l.type = 3
  ), days as (
    insert into report_days as kept (
      book, day, passed, program, category, payee_province, issues, issued, lapses, lapsed, filed, held, released,
      orders_lapsed, delivered, delivered_amount, confirmed, confirmed_amount, claimed, claimed_amount, approved,
      approved_amount, clawed_back, paid, paid_amount)
    select book, day, passed, program, category, payee_province, 0, 0, 0, 0, sum(filed), sum(held), sum(released),
           sum(orders_lapsed), sum(delivered), sum(delivered_amount), sum(confirmed), sum(confirmed_amount), sum(claimed),
           sum(claimed_amount), sum(approved), sum(approved_amount), sum(clawed_back), sum(paid), sum(paid_amount)
    from moved group by 1, 2, 3, 4, 5, 6
    union all
    select book, day, passed, program, '', 0, sum(issues), sum(issued), sum(lapses), sum(lapsed),
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from vouched group by 1, 2, 3, 4
    on conflict (passed, day, book, program, category, payee_province) do update set
      issues = kept.issues + excluded.issues, issued = kept.issued + excluded.issued,
      lapses = kept.lapses + excluded.lapses, lapsed = kept.lapsed + excluded.lapsed,
      filed = kept.filed + excluded.filed, held = kept.held + excluded.held, released = kept.released + excluded.released,
      orders_lapsed = kept.orders_lapsed + excluded.orders_lapsed, delivered = kept.delivered + excluded.delivered,
      delivered_amount = kept.delivered_amount + excluded.delivered_amount,
      confirmed = kept.confirmed + excluded.confirmed,
      confirmed_amount = kept.confirmed_amount + excluded.confirmed_amount,
      claimed = kept.claimed + excluded.claimed, claimed_amount = kept.claimed_amount + excluded.claimed_amount,
      approved = kept.approved + excluded.approved, approved_amount = kept.approved_amount + excluded.approved_amount,
      clawed_back = kept.clawed_back + excluded.clawed_back, paid = kept.paid + excluded.paid,
      paid_amount = kept.paid_amount + excluded.paid_amount
  ), providers as (
    insert into report_providers as kept (book, day, passed, provider, filed, held, released)
    select book, day, passed, provider, sum(filed), sum(held), sum(released) from moved
    where filed <> 0 or held <> 0 or released <> 0 group by 1, 2, 3, 4
    on conflict (passed, day, book, provider) do update set
      filed = kept.filed + excluded.filed, held = kept.held + excluded.held, released = kept.released + excluded.released
  ), firms as (
    insert into report_firms as kept (book, day, passed, enterprise, issued, filed)
    select book, day, passed, enterprise, bool_or(issued), bool_or(filed) from (
      select book, day, passed, enterprise, true as issued, false as filed from vouched where issues > 0
      union all
      select book, day, passed, enterprise, false, true from moved where filed > 0
    ) f group by 1, 2, 3, 4
    on conflict (passed, day, book, enterprise) do update set
      issued = kept.issued or excluded.issued, filed = kept.filed or excluded.filed
    where (not kept.issued and excluded.issued) or (not kept.filed and excluded.filed)
  ), payables as (
    insert into report_payables as kept (book, day, passed, approved_on, orders, amount)
    select book, day, passed, approved_on, sum(orders), sum(amount) from (
      select book, day, passed, day as approved_on, 1 as orders, sum(amount) as amount
      from line where type = 4 and phase = 2 group by book, day, passed, "order"
      union all
      select book, day, passed, approved_on, -times, -times * amount from paying
      union all
      select c.book, c.day, c.passed, a.day, 0, -b.amount
      from cmd c
      join report_clawbacks b on b.book = c.book and b."order" = c."order" and b.seq = c.seq
      join orders o on o.book = c.book and o."order" = c."order"
      join commands a on a.book = o.book and a.seq = o.approved_seq
      where c.kind = 'claw_back'
    ) p group by 1, 2, 3, 4
    on conflict (passed, day, book, approved_on) do update set
      orders = kept.orders + excluded.orders, amount = kept.amount + excluded.amount
  ), waits as (
    insert into report_waits as kept (book, day, passed, claimed_on, orders)
    select book, day, passed, claimed_on, sum(times) from paying where claimed_on is not null group by 1, 2, 3, 4
    on conflict (passed, day, book, claimed_on) do update set orders = kept.orders + excluded.orders
  )
  insert into report_heads as kept (book, seq) select book, high from span
  on conflict (book) do update set seq = excluded.seq;
  return done;
end
$$;
