-- Adds up the items of the closed periods that have not been added up: they never change. Returns how many periods.
create function roll_up_items() returns integer
language plpgsql security definer set search_path = clearing, pg_temp
set enable_seqscan = off
as $$
declare
  open_period text;
  done integer := 0;
begin
  lock table report_periods in exclusive mode;  -- one at a time
  for open_period in
    select p.period from periods p where not exists (select from report_periods r where r.period = p.period) order by p.closing
  loop
    insert into report_items (period, book, program, category, provider, payee_province, approved, amount, claw_backs, clawed_back)
    select open_period, o.book, o.program, o.category, o.provider, i.payee_province,
           count(distinct i.seq) filter (where i.amount > 0), coalesce(sum(i.amount) filter (where i.amount > 0), 0),
           count(distinct i.seq) filter (where i.amount < 0), coalesce(-sum(i.amount) filter (where i.amount < 0), 0)
    from period_items(open_period) i
    join commands c on c.book = i.book and c.seq = i.seq
    join orders o on o.book = c.book and o."order" = split_part(c.body ->> 'order', '-', 2)::bigint
    group by 2, 3, 4, 5, 6;
    insert into report_periods values (open_period);
    done := done + 1;
  end loop;
  return done;
end
$$;
