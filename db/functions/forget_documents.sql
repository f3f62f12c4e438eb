-- Forgets uploads from before a moment that nothing has named, so many at most, and returns the documents that nobody has
-- any more. What an order, a qualification, an appeal or an application names by its digest alone is found here, and
-- stays from then on.
create function forget_documents(p_before timestamptz, p_most integer) returns text[]
language plpgsql security definer set search_path = clearing, pg_temp as $$
declare
  old documents[];
  gone text[];
begin
  select coalesce(array_agg(d), '{}') into old
  from (select * from documents where not named and uploaded_at < p_before order by uploaded_at limit p_most) d;

  update documents d set named = true
  from unnest(old) o
  where d.sha256 = o.sha256 and d.organisation = o.organisation and (
    exists (select from orders r
            where r.evidence @> jsonb_build_array(jsonb_build_object('sha256', d.sha256))
              and d.organisation in (r.enterprise, r.provider))
    or exists (select from enterprises e
               where e.uscc = d.organisation
                 and e.qualifications @> jsonb_build_array(jsonb_build_object('evidence', jsonb_build_array(d.sha256))))
    or exists (select from integrity_entries i
               where i.uscc = d.organisation
                 and i.appeals @> jsonb_build_array(jsonb_build_object('evidence', jsonb_build_array(d.sha256))))
    or exists (select from applications a
               where a.enterprise = d.organisation
                 and a.documents @> jsonb_build_array(jsonb_build_object('sha256', d.sha256))));

  with forgotten as (
    delete from documents d using unnest(old) o
    where d.sha256 = o.sha256 and d.organisation = o.organisation and not d.named and d.uploaded_at < p_before
    returning d.sha256
  )
  select array_agg(distinct sha256) into gone from forgotten;
  delete from document_days where day < p_before::date;
  return array(select g from unnest(gone) g where not exists (select from documents d where d.sha256 = g));
end
$$;
