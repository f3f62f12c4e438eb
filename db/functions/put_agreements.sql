-- All agreements of a pair of provinces: amended until both have signed, then only ended.
create function put_agreements(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into agreements (accepting, home, agreement, version, categories, valid_from, valid_to, running, document, signed,
    ended)
  select p.accepting, p.home, a.agreement, a.version, a.categories, a."from", a."to", a.running, a.document, a.signed,
         a.ended
  from jsonb_to_recordset(rows) as p (accepting integer, home integer, agreements jsonb),
       jsonb_to_recordset(p.agreements) as a (
         agreement bigint, version bigint, categories text[], "from" date, "to" date, running text, document text,
         signed integer[], ended bigint)
  on conflict (accepting, home, agreement) do update set
    version = excluded.version, categories = excluded.categories, valid_from = excluded.valid_from,
    valid_to = excluded.valid_to, running = excluded.running, document = excluded.document, signed = excluded.signed,
    ended = excluded.ended
  where agreements.version <> excluded.version
$$;
