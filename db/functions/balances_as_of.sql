-- Every account of a book as it stood after an entry: posted on the normal side and what of it was held. Fen.
create function balances_as_of(p_book integer, p_entry bigint)
returns table (account integer, posted bigint, held bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select a.account,
         coalesce(sum(case when m.side = k.normal then m.posted else -m.posted end), 0)::bigint,
         coalesce(sum(m.held), 0)::bigint
  from accounts a
  join account_kinds k on k.kind = a.kind
  join (
    select t.debit as account, 'debit' as side,
           case when t.phase in (0, 2) then t.amount else 0 end as posted,
           case t.phase when 1 then t.amount when 2 then -t.amount when 3 then -t.amount else 0 end as held
    from transfers t where t.book = p_book and t.entry <= p_entry
    union all
    select t.credit, 'credit', t.amount, 0 from transfers t
    where t.book = p_book and t.entry <= p_entry and t.phase in (0, 2)
  ) m on m.account = a.account
  where a.book = p_book
  group by a.account
$$;
