-- Gives logs that have none the salt that hides what their leaves commit to.
create function open_logs(p_book integer[], p_salt text[]) returns void
language sql security definer set search_path = clearing, pg_temp as $$
  insert into log_salts (book, salt)
  select o.book, decode(o.salt, 'hex') from unnest(p_book, p_salt) as o (book, salt)
  on conflict (book) do nothing
$$;
