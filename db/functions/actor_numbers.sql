-- The numbers of these people, given to them if they have none yet. Who they are never changes, so a number may be
-- remembered for good.
create function actor_numbers(p_organisation text[], p_subject text[])
returns table (organisation text, subject text, actor integer)
language plpgsql security definer set search_path = clearing, pg_temp as $$
begin
  insert into actors (organisation, subject)
  select p.organisation, p.subject from unnest(p_organisation, p_subject) as p (organisation, subject)
  where not exists (select from actors a where a.organisation = p.organisation and a.subject = p.subject)
  order by 1, 2
  on conflict on constraint actors_organisation_subject_key do nothing;
  return query
    select a.organisation, a.subject, a.actor
    from unnest(p_organisation, p_subject) as p (organisation, subject)
    join actors a on a.organisation = p.organisation and a.subject = p.subject;
end
$$;
