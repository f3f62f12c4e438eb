-- "As of a moment" becomes a number for good: nothing can be booked in this book at or before that moment any more.
create function fix_moment(p_book integer, p_moment bigint) returns bigint
language plpgsql security definer set search_path = clearing, pg_temp as $$
declare
  fixed timestamptz := to_timestamp(p_moment / 1000.0);
begin
  update books set booked_at = fixed + interval '1 millisecond' where book = p_book and booked_at <= fixed;
  return coalesce((
    select seq from commands where book = p_book and booked_at <= fixed order by seq desc limit 1), 0);
end
$$;
