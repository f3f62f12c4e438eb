-- "As of a moment" becomes a number for good: nothing can be booked in this book at or before that moment any more.
-- Moments never run backwards inside a book and numbers have no gaps, so the number is found by halving.
create function fix_moment(p_book integer, p_moment bigint) returns bigint
language plpgsql security definer set search_path = clearing, pg_temp as $$
declare
  fixed timestamptz := to_timestamp(p_moment / 1000.0);
  low bigint := 0;
  high bigint;
  middle bigint;
begin
  update books set booked_at = fixed + interval '1 millisecond' where book = p_book and booked_at <= fixed;
  high := (select seq from books where book = p_book);
  while low < high loop
    middle := (low + high + 1) / 2;
    if (select booked_at from commands where book = p_book and seq = middle) <= fixed then
      low := middle;
    else
      high := middle - 1;
    end if;
  end loop;
  return low;
end
$$;
