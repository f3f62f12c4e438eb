-- A voucher is written when issued; afterwards only its course changes. Refuses (23503) one of no program or no enterprise.
create function put_vouchers(rows jsonb) returns void
language plpgsql set search_path = clearing, pg_temp as $$
begin
  insert into vouchers (book, voucher, program, enterprise, amount, issued_on, use_by, lapsed_on, version, recall_on,
    extended_on, suspended_on, ended)
  select r.book, r.voucher, r.program, r.enterprise, r.amount, r."issuedOn", r."useBy", r."lapsedOn",
    r.version, r."recallOn", r."extendedOn", r."suspendedOn", r.ended
  from jsonb_to_recordset(rows) as r (
    book integer, voucher bigint, program text, enterprise text, amount bigint, "issuedOn" date, "useBy" date,
    "lapsedOn" date, version integer, "recallOn" date, "extendedOn" date, "suspendedOn" date, ended text)
  on conflict (book, voucher) do update set
    use_by = excluded.use_by, lapsed_on = excluded.lapsed_on, recall_on = excluded.recall_on,
    extended_on = excluded.extended_on, suspended_on = excluded.suspended_on, ended = excluded.ended;

  if exists (
    select from (select distinct r ->> 'program' as program from jsonb_array_elements(rows) as r) v
    where not exists (select from programs p where p.program = v.program)
  ) or exists (
    select from (select distinct r ->> 'enterprise' as enterprise from jsonb_array_elements(rows) as r) v
    where not exists (select from enterprises e where e.uscc = v.enterprise)
  ) then
    raise exception 'a voucher of no program or no enterprise' using errcode = '23503';
  end if;
end
$$;
