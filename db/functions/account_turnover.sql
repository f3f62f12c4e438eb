-- What entries p_after + 1 to p_until of a book moved on each account: posted to its debit and to its credit, and what
-- more of it was held. Fen.
create function account_turnover(p_book integer, p_after bigint, p_until bigint)
returns table (account integer, debit bigint, credit bigint, held bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select m.account, sum(m.debit)::bigint, sum(m.credit)::bigint, sum(m.held)::bigint
  from (
    select t.debit as account, case when t.phase in (0, 2) then t.amount else 0 end as debit, 0 as credit,
           case t.phase when 1 then t.amount when 2 then -t.amount when 3 then -t.amount else 0 end as held
    from transfers t where t.book = p_book and t.entry > p_after and t.entry <= p_until
    union all
    select t.credit, 0, t.amount, 0
    from transfers t where t.book = p_book and t.entry > p_after and t.entry <= p_until and t.phase in (0, 2)
  ) m
  group by 1
$$;
