-- Records one batch of decided commands: fence, log, transfers, balances, holds, keys, nouns' rows, idempotency.
-- One call is one transaction. Returns the jobs (their indexes from 1) that were NOT recorded because a book they
-- rest on has moved meanwhile; everything else of the batch is written.
-- Aborts the whole call when a key (keys_pkey) or an idempotency key (idempotency_pkey) was taken meanwhile, when a
-- constraint refuses a row, with CV003 when a transfer is not in the chart, and with CV004 when a head would be
-- written that was not compared.
create function record(
  -- the books the batch rests on, in order: the head it was decided on, and whether it writes there
  p_book integer[], p_seq bigint[], p_moment bigint[], p_writes boolean[],
  -- heads after the batch
  h_book integer[], h_seq bigint[], h_entries bigint[], h_accounts integer[], h_moment bigint[],
  -- for each job the book it writes (null when it was refused), and the books it rests on
  j_book integer[], r_job integer[], r_book integer[],
  i_job integer[], i_organisation text[], i_key text[], i_fingerprint text[], i_moment bigint[],
  i_book integer[], i_seq bigint[], i_refusal text[],
  -- keys claimed, keys given back
  k_key text[], k_book integer[], k_holder text[], f_key text[], f_book integer[],
  c_book integer[], c_seq bigint[], c_entry bigint[], c_kind text[], c_day text[], c_moment bigint[],
  c_subject text[], c_organisation text[], c_body text[], c_event text[], c_rests text[],
  -- accounts opened; balances after the batch
  a_book integer[], a_account integer[], a_kind integer[], a_owner text[], a_province integer[],
  b_book integer[], b_account integer[], b_posted bigint[], b_held bigint[],
  t_book integer[], t_entry bigint[], t_line integer[], t_type integer[], t_phase integer[],
  t_debit integer[], t_credit integer[], t_hold bigint[], t_leg integer[], t_amount bigint[],
  -- hold legs made; what is open on legs after the batch
  n_book integer[], n_hold bigint[], n_leg integer[], n_type integer[], n_debit integer[], n_credit integer[],
  n_amount bigint[],
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
  nouns jsonb;
begin
  -- The region first, shared when it is only read; then the others in order: two batches cannot deadlock.
  if p_book[1] = 0 then
    if p_writes[1] then
      perform 1 from books where book = 0 for no key update;
    else
      perform 1 from books where book = 0 for share;
    end if;
  end if;
  perform 1 from books where book = any (p_book) and book <> 0 order by book for no key update;

  select array_agg(p.book) into moved
  from unnest(p_book, p_seq, p_moment) as p (book, seq, moment)
  join books b on b.book = p.book
  where b.seq <> p.seq or b.booked_at > to_timestamp(p.moment / 1000.0);

  if moved is null then
    moved := '{}';
  else
    -- A job that rests on a moved book is dead, and so is its own book's numbering, and what rests on that.
    loop
      select coalesce(array_agg(distinct r.job), '{}') into dead
      from unnest(r_job, r_book) as r (job, book) where r.book = any (moved);
      select array_agg(distinct j_book[d.job]) into spread
      from unnest(dead) as d (job) where j_book[d.job] <> all (moved);
      exit when spread is null;
      moved := moved || spread;
    end loop;
  end if;

  if cardinality(i_job) > 0 then
    insert into idempotency (organisation, key, fingerprint, recorded_at, book, seq, refusal)
    select i.organisation, i.key, decode(i.fingerprint, 'hex'), to_timestamp(i.moment / 1000.0),
           i.book, i.seq, i.refusal::jsonb
    from unnest(i_job, i_organisation, i_key, i_fingerprint, i_moment, i_book, i_seq, i_refusal)
           as i (job, organisation, key, fingerprint, moment, book, seq, refusal)
    where i.job <> all (dead)
    order by i.organisation, i.key;
  end if;
  if cardinality(c_book) = 0 then
    return dead;
  end if;

  -- A head that was not compared above must not be written: numbers would run backwards.
  if exists (select from unnest(h_book) as h (book) where h.book <> all (p_book)) then
    raise exception 'the head of a book that the batch does not rest on' using errcode = 'CV004';
  end if;
  update books b
  set seq = h.seq, entries = h.entries, accounts = h.accounts, booked_at = to_timestamp(h.moment / 1000.0)
  from unnest(h_book, h_seq, h_entries, h_accounts, h_moment) as h (book, seq, entries, accounts, moment)
  where b.book = h.book and h.book <> all (moved);

  insert into commands (book, seq, entry, kind, day, booked_at, subject, organisation, body, event, rests)
  select c.book, c.seq, c.entry, c.kind, c.day::date, to_timestamp(c.moment / 1000.0), c.subject, c.organisation,
         c.body::jsonb, c.event::jsonb, c.rests::jsonb
  from unnest(c_book, c_seq, c_entry, c_kind, c_day, c_moment, c_subject, c_organisation, c_body, c_event, c_rests)
         as c (book, seq, entry, kind, day, moment, subject, organisation, body, event, rests)
  where c.book <> all (moved);

  if cardinality(f_key) > 0 then
    delete from keys k using unnest(f_key, f_book) as f (key, book)
    where k.key = f.key and k.book = f.book and f.book <> all (moved);
  end if;
  if cardinality(k_key) > 0 then
    insert into keys (key, book, holder)
    select k.key, k.book, k.holder from unnest(k_key, k_book, k_holder) as k (key, book, holder)
    where k.book <> all (moved)
    order by k.key;
  end if;

  if cardinality(a_book) > 0 then
    insert into accounts (book, account, kind, owner, province)
    select a.book, a.account, a.kind, a.owner, a.province
    from unnest(a_book, a_account, a_kind, a_owner, a_province) as a (book, account, kind, owner, province)
    where a.book <> all (moved);
  end if;
  if cardinality(b_book) > 0 then
    update accounts a set posted = b.posted, held = b.held
    from unnest(b_book, b_account, b_posted, b_held) as b (book, account, posted, held)
    where a.book = b.book and a.account = b.account and b.book <> all (moved);
  end if;

  if cardinality(t_book) > 0 then
    if exists (
      select from unnest(t_book, t_type, t_debit, t_credit) as t (book, type, debit, credit)
      left join accounts d on d.book = t.book and d.account = t.debit
      left join accounts c on c.book = t.book and c.account = t.credit
      left join legal_transfers l on l.type = t.type and l.debit = d.kind and l.credit = c.kind
      where l.type is null and t.book <> all (moved)
    ) then
      raise exception 'a transfer that the chart does not declare' using errcode = 'CV003';
    end if;
    insert into transfers (book, entry, line, type, phase, debit, credit, leg, hold, amount)
    select t.book, t.entry, t.line, t.type, t.phase, t.debit, t.credit, t.leg, t.hold, t.amount
    from unnest(t_book, t_entry, t_line, t_type, t_phase, t_debit, t_credit, t_hold, t_leg, t_amount)
           as t (book, entry, line, type, phase, debit, credit, hold, leg, amount)
    where t.book <> all (moved);
  end if;

  if cardinality(n_book) > 0 then
    insert into holds (book, hold, leg, type, debit, credit, amount, open)
    select n.book, n.hold, n.leg, n.type, n.debit, n.credit, n.amount, n.amount
    from unnest(n_book, n_hold, n_leg, n_type, n_debit, n_credit, n_amount)
           as n (book, hold, leg, type, debit, credit, amount)
    where n.book <> all (moved);
  end if;
  if cardinality(o_book) > 0 then
    update holds h set open = o.open
    from unnest(o_book, o_hold, o_leg, o_open) as o (book, hold, leg, open)
    where h.book = o.book and h.hold = o.hold and h.leg = o.leg and o.book <> all (moved);
  end if;

  nouns := rows::jsonb;
  if nouns <> '{}' then
    if cardinality(moved) > 0 then
      select jsonb_object_agg(n.key, (
        select coalesce(jsonb_agg(r), '[]') from jsonb_array_elements(n.value) as r
        where (r ->> 'book')::integer <> all (moved)
      )) into nouns from jsonb_each(nouns) as n;
    end if;
    if nouns ? 'programs' then perform put_programs(nouns -> 'programs'); end if;
    if nouns ? 'enterprises' then perform put_enterprises(nouns -> 'enterprises'); end if;
    if nouns ? 'providers' then perform put_providers(nouns -> 'providers'); end if;
    if nouns ? 'integrity' then perform put_integrity(nouns -> 'integrity'); end if;
    if nouns ? 'vouchers' then perform put_vouchers(nouns -> 'vouchers'); end if;
    if nouns ? 'grants' then perform put_grants(nouns -> 'grants'); end if;
    if nouns ? 'orders' then perform put_orders(nouns -> 'orders'); end if;
    if nouns ? 'periods' then perform put_periods(nouns -> 'periods'); end if;
  end if;
  return dead;
end
$$;
