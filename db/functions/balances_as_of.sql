-- Every account of a book as it stood after an entry: posted on the normal side and what of it was held. Fen.
create function balances_as_of(p_book integer, p_entry bigint)
returns table (account integer, posted bigint, held bigint)
language sql stable set search_path = clearing, pg_temp as $$
  select a.account, (case k.normal when 'debit' then t.debit - t.credit else t.credit - t.debit end), t.held
  from account_turnover(p_book, 0, p_entry) t
  join accounts a on a.book = p_book and a.account = t.account
  join account_kinds k on k.kind = a.kind
$$;
