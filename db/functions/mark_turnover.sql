-- Makes the next mark of every book that has gone p_every entries beyond its last one. Returns how many it made: asked
-- until that is 0, all are made. Asked twice at once, one waits and finds them made.
create function mark_turnover(p_every integer) returns integer
language plpgsql security definer set search_path = clearing, pg_temp as $$
declare
  made integer := 0;
  next record;
begin
  for next in
    select b.book, coalesce(h.entry, 0) as last, coalesce(h.entry, 0) + p_every as entry
    from books b left join turnover_heads h on h.book = b.book
    where b.entries >= coalesce(h.entry, 0) + p_every order by b.book
  loop
    insert into turnover_heads as h (book, entry) values (next.book, next.entry)
    on conflict (book) do update set entry = excluded.entry where h.entry = next.last;
    continue when not found;
    insert into turnover_marks (book, entry, type, phase, amount)
    select next.book, next.entry, t.type, t.phase, t.amount from turnover_as_of(next.book, next.entry) t;
    made := made + 1;
  end loop;
  return made;
end
$$;
