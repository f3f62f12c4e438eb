-- Takes the lease if nobody holds it or this process does, for so many milliseconds from now (0 gives it up); says who
-- had it last.
create function hold_lease(p_holder uuid, p_address text, p_for integer)
returns table (holder uuid, address text)
language plpgsql security definer set search_path = clearing, pg_temp as $$
begin
  update lease l
  set holder = p_holder, address = p_address, until = clock_timestamp() + p_for * interval '1 millisecond'
  where l.holder = p_holder or l.until <= clock_timestamp();
  return query select l.holder, l.address from lease l;
end
$$;
