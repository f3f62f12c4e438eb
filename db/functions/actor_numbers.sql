-- The numbers of these people, given to them if they have none yet. Who they are never changes, so a number may be
-- remembered for good.
create function actor_numbers(p_organisation text[], p_subject text[], p_origin text[])
returns table (organisation text, subject text, origin text, actor integer)
language plpgsql security definer set search_path = clearing, pg_temp as $$
begin
  insert into actors (organisation, subject, origin)
  select p.organisation, p.subject, p.origin
  from unnest(p_organisation, p_subject, p_origin) as p (organisation, subject, origin)
  where not exists (
    select from actors a
    where a.organisation = p.organisation and a.subject = p.subject and a.origin = p.origin)
  order by 1, 2, 3
  on conflict on constraint actors_organisation_subject_origin_key do nothing;
  return query
    select a.organisation, a.subject, a.origin, a.actor
    from unnest(p_organisation, p_subject, p_origin) as p (organisation, subject, origin)
    join actors a on a.organisation = p.organisation and a.subject = p.subject and a.origin = p.origin;
end
$$;
