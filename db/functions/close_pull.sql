-- How many rows of a pull were handed over to be sent, and whether those were all; once, and never again.
create function close_pull(p_pull bigint, p_rows bigint, p_whole boolean) returns void
language sql security definer set search_path = clearing, pg_temp as $$
  update pulls set rows = p_rows, whole = p_whole where pull = p_pull and rows is null
$$;
