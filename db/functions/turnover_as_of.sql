-- What the transfers of a book up to an entry add up to, by type and phase, in fen: the last mark before it, and the
-- transfers since.
create function turnover_as_of(p_book integer, p_entry integer)
returns table (type smallint, phase smallint, amount bigint)
language plpgsql stable set search_path = clearing, pg_temp as $$
declare
  mark integer := coalesce((
    select m.entry from turnover_marks m where m.book = p_book and m.entry <= p_entry order by m.entry desc limit 1), 0);
begin
  return query
    select u.type, u.phase, sum(u.amount)::bigint
    from (
      select m.type, m.phase, m.amount from turnover_marks m where m.book = p_book and m.entry = mark
      union all
      select t.type, t.phase, t.amount from transfers t
      where t.book = p_book and t.entry > mark and t.entry <= p_entry
    ) u
    group by 1, 2;
end
$$;
