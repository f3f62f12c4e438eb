-- Records one batch of decided commands: fence, log, transfers, balances, holds, keys, nouns' rows, refusals.
-- One call is one transaction. Returns the groups (their indexes from 1) that were NOT recorded because a book they
-- rest on has moved meanwhile; everything else of the batch is written. A group is the jobs that rest on the same books
-- and write the same one.
-- Aborts the whole call when a region-wide key (keys_pkey, CV006) or a caller's key (commands_key, refusals_pkey, or
-- CV005 when it is in the other of the two tables) was taken meanwhile, when a constraint refuses a row, with CV003 when
-- a transfer is not in the chart or an account or a hold is not what it is taken for, and with CV004 when numbers would
-- have gaps.
create function record(
  -- the books the batch rests on, in order: the head it was decided on; and, where it writes, the head afterwards
  p_book integer[], p_seq bigint[], p_batch bigint[], p_moment bigint[],
  h_seq bigint[], h_entries bigint[], h_accounts integer[], h_moment bigint[], h_batch bigint[],
  -- for each group the book it writes (null when all of it was refused); and the books it rests on
  g_book integer[], r_group integer[], r_book integer[],
  -- refusals under a key
  i_group integer[], i_key uuid[], i_fingerprint bigint[], i_moment bigint[], i_refusal text,
  -- region-wide keys taken, and given back (held by nobody), in order; with the book that was seen to have had it
  k_key text[], k_book integer[], k_holder text[], k_seen integer[],
  -- commands; day counts from 1970-01-01; what each changed as JSON or null; bodies, events and rests as one JSON array each
  c_book integer[], c_seq bigint[], c_entry integer[], c_kind command_kind[], c_day integer[], c_moment bigint[],
  c_actor integer[], c_key uuid[], c_fingerprint bigint[], c_changes text[], c_body text, c_event text, c_rests text,
  -- accounts moved, as they are after the batch; the last ones are new and have an owner and perhaps a province
  b_book integer[], b_account integer[], b_kind integer[], b_posted bigint[], b_held bigint[],
  a_owner text[], a_province integer[],
  -- transfers; command, debit and credit are indexes into the commands and accounts above
  t_command integer[], t_line integer[], t_type integer[], t_phase integer[], t_debit integer[], t_credit integer[],
  t_hold bigint[], t_leg integer[], t_amount bigint[],
  -- hold legs made, as they are after the batch; what is open on other legs after it
  n_book integer[], n_hold bigint[], n_leg integer[], n_type integer[], n_debit integer[], n_credit integer[],
  n_amount bigint[], n_open bigint[],
  o_book integer[], o_hold bigint[], o_leg integer[], o_open bigint[],
  -- the nouns' rows: {noun: [row, …]}, each row with its book
  rows text
) returns integer[]
language plpgsql security definer
set search_path = clearing, pg_temp
set enable_seqscan = off  -- a plan made while a table was empty must not outlive that
as $$
declare
  moved integer[];
  dead integer[] := '{}';
  spread integer[];
  known integer := cardinality(b_book) - cardinality(a_owner);
  legal_debit integer[];
  legal_credit integer[];
  touched bigint;
  k_taken boolean[];
  nouns jsonb;
begin
  -- The region first: shared by all, so that a key cannot be accepted by one engine while another stores a refusal
  -- under it, alone when the region is written or a refusal stored. Then the others in order: two batches cannot deadlock.
  if cardinality(i_key) > 0 or (p_book[1] = 0 and h_seq[1] is not null) then
    perform 1 from books where book = 0 for no key update;
  else
    perform 1 from books where book = 0 for share;
  end if;
  with locked as materialized (
    select b.book, b.seq, b.batch, b.booked_at from books b
    where b.book = any (p_book) and b.book <> 0 order by b.book for no key update
  ), found as (
    select * from locked union all select b.book, b.seq, b.batch, b.booked_at from books b where b.book = 0
  )
  select array_agg(p.book) into moved
  from unnest(p_book, p_seq, p_batch, p_moment) as p (book, seq, batch, moment)
  join found b on b.book = p.book
  -- The batch as well: what was decided on top of a batch that failed may find its number taken by another.
  where b.seq <> p.seq or b.batch <> p.batch or b.booked_at > to_timestamp(p.moment / 1000.0);

  if moved is null then
    moved := '{}';
  else
    -- A group that rests on a moved book is dead, and so is its own book's numbering, and what rests on that.
    loop
      select coalesce(array_agg(distinct r.member), '{}') into dead
      from unnest(r_group, r_book) as r (member, book) where r.book = any (moved);
      select array_agg(distinct g_book[d.member]) into spread
      from unnest(dead) as d (member) where g_book[d.member] <> all (moved);
      exit when spread is null;
      moved := moved || spread;
    end loop;
  end if;

  if cardinality(i_key) > 0 then
    insert into refusals (key, recorded_at, fingerprint, refusal)
    select i.key, to_timestamp(i.moment / 1000.0), i.fingerprint, i.refusal
    from rows from (unnest(i_group, i_key, i_fingerprint, i_moment), json_array_elements(i_refusal::json))
           as i (member, key, fingerprint, moment, refusal)
    where i.member <> all (dead)
    order by i.key;
    if exists (select from commands where key = any (i_key)) then
      raise exception 'a key that was accepted meanwhile' using errcode = 'CV005';
    end if;
  end if;
  if cardinality(c_book) = 0 then
    return dead;
  end if;

  update books b
  set seq = h.seq, entries = h.entries, accounts = h.accounts, booked_at = to_timestamp(h.moment::float8 / 1000),
      batch = h.batch
  from unnest(p_book, h_seq, h_entries, h_accounts, h_moment, h_batch)
         as h (book, seq, entries, accounts, moment, batch)
  where b.book = h.book and h.seq is not null and h.book <> all (moved);

  insert into commands (seq, booked_at, fingerprint, key, book, entry, actor, day, kind, body, event, rests, changes)
  select c.seq, to_timestamp(c.moment::float8 / 1000), c.fingerprint, c.key, c.book, c.entry, c.actor,
         date '1970-01-01' + c.day, c.kind, c.body, c.event, c.rests, c.changes::json
  from rows from (
    unnest(c_book, c_seq, c_entry, c_kind, c_day, c_moment, c_actor, c_key, c_fingerprint, c_changes),
    json_array_elements(c_body::json), json_array_elements(c_event::json), json_array_elements(c_rests::json)
  ) as c (book, seq, entry, kind, day, moment, actor, key, fingerprint, changes, body, event, rests)
  where c.book <> all (moved);
  get diagnostics touched = row_count;
  if touched <> (
    select coalesce(sum(h.seq - h.base), 0)
    from unnest(p_book, p_seq, h_seq) as h (book, base, seq) where h.book <> all (moved)
  ) then
    raise exception 'commands without a number, or numbers without a command' using errcode = 'CV004';
  end if;
  if exists (select from refusals where key = any (c_key)) then
    raise exception 'a key that was refused meanwhile' using errcode = 'CV005';
  end if;

  if cardinality(k_key) > 0 then
    -- Each key once, as it is after the batch: what was first done with it tells what must be found. When none is given
    -- back, none can be there twice.
    k_taken := array_fill(true, array[cardinality(k_key)]);
    if array_position(k_holder, null) is not null or cardinality(moved) > 0 then
      select array_agg(k.key order by k.key), array_agg(k.book order by k.key), array_agg(k.holder order by k.key),
             array_agg(k.seen order by k.key), array_agg(k.taken order by k.key)
      into k_key, k_book, k_holder, k_seen, k_taken
      from (
        select k.key, (array_agg(k.book order by k.n desc))[1] as book, (array_agg(k.holder order by k.n desc))[1] as holder,
               (array_agg(k.seen order by k.n))[1] as seen, (array_agg(k.holder order by k.n))[1] is not null as taken
        from unnest(k_key, k_book, k_holder, k_seen) with ordinality as k (key, book, holder, seen, n)
        where k.book <> all (moved) group by k.key
      ) k;
    end if;
    -- Taken for the first time.
    insert into keys (key, book, holder)
    select k.key, k.book, k.holder from unnest(k_key, k_book, k_holder, k_seen, k_taken) as k (key, book, holder, seen, taken)
    where k.taken and k.seen is null;
    -- Taken after another gave it back, and nobody else since; or given back by its holder, whose head was compared above.
    update keys set book = k.book, holder = k.holder
    from unnest(k_key, k_book, k_holder, k_seen, k_taken) as k (key, book, holder, seen, taken)
    where keys.key = k.key and (not k.taken or k.seen is not null)
      and case when k.taken then keys.holder is null and keys.book = k.seen else keys.holder is not null end;
    get diagnostics touched = row_count;
    if touched <> (select count(*) from unnest(k_seen, k_taken) as k (seen, taken) where not k.taken or k.seen is not null) then
      raise exception 'a region-wide key that was taken meanwhile' using errcode = 'CV006';
    end if;
  end if;

  if cardinality(b_book) > 0 then
    update accounts a set posted = b.posted, held = b.held
    from unnest(b_book[:known], b_account[:known], b_kind[:known], b_posted[:known], b_held[:known])
           as b (book, account, kind, posted, held)
    where a.book = b.book and a.account = b.account and b.book <> all (moved)
      and a.kind is not distinct from b.kind;  -- compared, but no reason to go by the index on kinds
    get diagnostics touched = row_count;
    if touched <> (select count(*) from unnest(b_book[:known]) as b (book) where b.book <> all (moved)) then
      raise exception 'an account that is not what it is taken for' using errcode = 'CV003';
    end if;
    if cardinality(a_owner) > 0 then
      insert into accounts (book, account, kind, owner, province, posted, held)
      select b.book, b.account, b.kind, b.owner, b.province, b.posted, b.held
      from unnest(b_book[known + 1:], b_account[known + 1:], b_kind[known + 1:], a_owner, a_province,
                  b_posted[known + 1:], b_held[known + 1:])
             as b (book, account, kind, owner, province, posted, held)
      where b.book <> all (moved);
    end if;
  end if;

  if cardinality(t_command) > 0 then
    -- Arrays instead of joins: three look-ups a transfer would cost as much as writing it.
    select array_agg(l.debit order by l.type), array_agg(l.credit order by l.type) into legal_debit, legal_credit
    from legal_transfers l;
    if exists (
      select from unnest(t_command, t_type, t_debit, t_credit) as t (command, type, debit, credit)
      where legal_debit[t.type] is distinct from b_kind[t.debit]
         or legal_credit[t.type] is distinct from b_kind[t.credit]
         or b_book[t.debit] is distinct from c_book[t.command] or b_book[t.credit] is distinct from c_book[t.command]
    ) then
      raise exception 'a transfer that the chart does not declare' using errcode = 'CV003';
    end if;
    insert into transfers (seq, amount, book, entry, line, debit, credit, type, phase, leg, hold)
    select c_seq[t.command], t.amount, c_book[t.command], c_entry[t.command], t.line, b_account[t.debit],
           b_account[t.credit], t.type, t.phase, t.leg, t.hold
    from unnest(t_command, t_line, t_type, t_phase, t_debit, t_credit, t_hold, t_leg, t_amount)
           as t (command, line, type, phase, debit, credit, hold, leg, amount)
    where c_book[t.command] <> all (moved);
  end if;

  if cardinality(n_book) > 0 then
    insert into holds (book, hold, leg, type, debit, credit, amount, open)
    select n.book, n.hold, n.leg, n.type, n.debit, n.credit, n.amount, n.open
    from unnest(n_book, n_hold, n_leg, n_type, n_debit, n_credit, n_amount, n_open)
           as n (book, hold, leg, type, debit, credit, amount, open)
    where n.book <> all (moved);
  end if;
  if cardinality(o_book) > 0 then
    update holds h set open = o.open
    from unnest(o_book, o_hold, o_leg, o_open) as o (book, hold, leg, open)
    where h.book = o.book and h.hold = o.hold and h.leg = o.leg and o.book <> all (moved);
    get diagnostics touched = row_count;
    if touched <> (select count(*) from unnest(o_book) as o (book) where o.book <> all (moved)) then
      raise exception 'a hold that is not there' using errcode = 'CV003';
    end if;
  end if;

  if rows <> '{}' then
    nouns := rows::jsonb;
    if cardinality(moved) > 0 then
      select jsonb_object_agg(n.key, (
        select coalesce(jsonb_agg(r), '[]') from jsonb_array_elements(n.value) as r
        where (r ->> 'book')::integer <> all (moved)
      )) into nouns from jsonb_each(nouns) as n;
    end if;
    if nouns ? 'proposals' then perform put_proposals(nouns -> 'proposals'); end if;
    if nouns ? 'agreements' then perform put_agreements(nouns -> 'agreements'); end if;
    if nouns ? 'clearing_agreements' then
      perform put_clearing_agreements(nouns -> 'clearing_agreements');
    end if;
    if nouns ? 'people' then perform put_people(nouns -> 'people'); end if;
    if nouns ? 'workdays' then perform put_workdays(nouns -> 'workdays'); end if;
    if nouns ? 'programs' then perform put_programs(nouns -> 'programs'); end if;
    if nouns ? 'program_drafts' then perform put_program_drafts(nouns -> 'program_drafts'); end if;
    if nouns ? 'enterprises' then perform put_enterprises(nouns -> 'enterprises'); end if;
    if nouns ? 'providers' then perform put_providers(nouns -> 'providers'); end if;
    if nouns ? 'provider_profiles' then perform put_provider_profiles(nouns -> 'provider_profiles'); end if;
    if nouns ? 'home_reviews' then perform put_home_reviews(nouns -> 'home_reviews'); end if;
    if nouns ? 'recognition_applications' then
      perform put_recognition_applications(nouns -> 'recognition_applications');
    end if;
    if nouns ? 'catalogue' then perform put_catalogue(nouns -> 'catalogue'); end if;
    if nouns ? 'relations' then perform put_relations(nouns -> 'relations'); end if;
    if nouns ? 'integrity' then perform put_integrity(nouns -> 'integrity'); end if;
    if nouns ? 'vouchers' then perform put_vouchers(nouns -> 'vouchers'); end if;
    if nouns ? 'applications' then perform put_applications(nouns -> 'applications'); end if;
    if nouns ? 'grants' then perform put_grants(nouns -> 'grants'); end if;
    if nouns ? 'orders' then perform put_orders(nouns -> 'orders'); end if;
    if nouns ? 'periods' then perform put_periods(nouns -> 'periods'); end if;
    if nouns ? 'settlement_parts' then perform put_settlement_parts(nouns -> 'settlement_parts'); end if;
    if nouns ? 'payment_batches' then perform put_payment_batches(nouns -> 'payment_batches'); end if;
    if nouns ? 'bank_statements' then perform put_bank_statements(nouns -> 'bank_statements'); end if;
    if nouns ? 'bank_lines' then perform put_bank_lines(nouns -> 'bank_lines'); end if;
    if nouns ? 'bank_exceptions' then perform put_bank_exceptions(nouns -> 'bank_exceptions'); end if;
    if nouns ? 'instruction_receipts' then perform put_instruction_receipts(nouns -> 'instruction_receipts'); end if;
    if nouns ? 'subsidies' then perform put_subsidies(nouns -> 'subsidies'); end if;
    if nouns ? 'treasury_figures' then perform put_treasury_figures(nouns -> 'treasury_figures'); end if;
    if nouns ? 'bank_accounts' then perform put_bank_accounts(nouns -> 'bank_accounts'); end if;
    if nouns ? 'period_calendars' then perform put_period_calendars(nouns -> 'period_calendars'); end if;
    if nouns ? 'period_previews' then perform put_period_previews(nouns -> 'period_previews'); end if;
    if nouns ? 'webhooks' then perform put_webhooks(nouns -> 'webhooks'); end if;
  end if;
  return dead;
end
$$;
