-- Keeps newly signed checkpoints, each with the tiles that became full since the one before, at a moment in
-- milliseconds. A checkpoint that does not follow the last one kept aborts the call with CV008: somebody else has
-- sealed meanwhile. One of the same size and root is the last one signed again, by another key or under another name:
-- only its note is replaced, its moment still says since when the log is known to be so. Bytes are hexadecimal.
create function seal_logs(p_checkpoints jsonb, p_tiles jsonb, p_day date, p_moment bigint) returns void
language plpgsql security definer set search_path = clearing, pg_temp as $$
declare
  stray integer;
begin
  with c as (
    select * from jsonb_to_recordset(p_checkpoints) as c (book integer, after bigint, size bigint, root text, note text)
  )
  select c.book into stray from c
  where c.after <> coalesce(
      (select k.size from log_checkpoints k where k.book = c.book order by k.size desc limit 1), 0)
    or c.size < c.after
    or c.size = c.after and not exists (
      select from log_checkpoints k where k.book = c.book and k.size = c.size and k.root = decode(c.root, 'hex'))
  limit 1;
  if stray is not null then
    raise exception 'the log of book % was sealed meanwhile', stray using errcode = 'CV008';
  end if;

  insert into log_tiles (book, level, tile, hashes)
  select t.book, t.level, t.tile, decode(t.hashes, 'hex')
  from jsonb_to_recordset(p_tiles) as t (book integer, level smallint, tile bigint, hashes text);

  update log_checkpoints k set replaced = true
  from jsonb_to_recordset(p_checkpoints) as c (book integer, after bigint, size bigint)
  where k.book = c.book and k.size = c.after and k.day = p_day and c.size > c.after;

  update log_checkpoints k set note = c.note
  from jsonb_to_recordset(p_checkpoints) as c (book integer, after bigint, size bigint, note text)
  where k.book = c.book and k.size = c.size and c.size = c.after;

  delete from log_checkpoints k
  using jsonb_to_recordset(p_checkpoints) as c (book integer)
  where k.book = c.book and k.replaced and k.signed_at < to_timestamp(p_moment / 1000.0) - interval '1 hour';

  insert into log_checkpoints (book, size, root, day, signed_at, note)
  select c.book, c.size, decode(c.root, 'hex'), p_day, to_timestamp(p_moment / 1000.0), c.note
  from jsonb_to_recordset(p_checkpoints) as c (book integer, after bigint, size bigint, root text, note text)
  where c.size > c.after;
end
$$;
