-- A voucher is written when issued; afterwards only its lapse changes the row.
create function put_vouchers(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into vouchers (book, voucher, program, enterprise, amount, issued_on, use_by, lapsed_on)
  select r.book, r.voucher, r.program, r.enterprise, r.amount, r."issuedOn", r."useBy", r."lapsedOn"
  from jsonb_to_recordset(rows) as r (
    book integer, voucher bigint, program text, enterprise text, amount bigint, "issuedOn" date, "useBy" date,
    "lapsedOn" date)
  on conflict (book, voucher) do update set lapsed_on = excluded.lapsed_on
$$;
