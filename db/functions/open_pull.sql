-- Puts a pull on record before it is answered; one that is refused with the refusal. Returns its number.
create function open_pull(
  p_moment bigint, p_organisation text, p_subject text, p_origin text, p_jurisdiction integer, p_book integer,
  p_operation text, p_asked text, p_first integer, p_last integer, p_refused text
) returns bigint
language sql security definer set search_path = clearing, pg_temp as $$
  insert into pulls (asked_at, actor, jurisdiction, book, operation, asked, first, last, refused)
  select to_timestamp(p_moment / 1000.0), a.actor, p_jurisdiction, p_book, p_operation, p_asked::json, p_first, p_last,
         p_refused
  from actor_numbers(array[p_organisation], array[p_subject], array[p_origin]) a
  returning pull
$$;
