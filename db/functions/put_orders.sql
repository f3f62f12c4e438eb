-- An order: its contract is written when filed; afterwards its course changes, and its amounts by a supplement. Refuses (23503) one on no voucher.
create function put_orders(rows jsonb) returns void
language plpgsql set search_path = clearing, pg_temp as $$
begin
  insert into orders (book, "order", state, voucher, program, enterprise, provider, category, contract_no,
    contract_amount, voucher_amount, signed_on, filed_on, claim_by, deadline, payee, payee_province, score,
    invoice_no, invoice_amount, verified_by, approved, approved_seq, clawed_back, version,
    notice_days, notice_ends, evidence, agreement, red_invoices, local_category, dossier)
  select r.book, r."order", r.state, r.voucher, r.program, r.enterprise, r.provider, r.category, r."contractNo",
    r."contractAmount", r."voucherAmount", r."signedOn", r."filedOn", r."claimBy", r.deadline, r.payee,
    r."payeeProvince", r.score, r."invoiceNo", r."invoiceAmount", r."verifiedBy", r.approved, r."approvedSeq",
    r."clawedBack", r.version, r."noticeDays", r."noticeEnds", r.evidence, r.agreement, r."redInvoices",
    r."localCategory", r.dossier
  from jsonb_to_recordset(rows) as r (
    book integer, "order" bigint, state text, voucher bigint, program text, enterprise text, provider text,
    category text, "contractNo" text, "contractAmount" bigint, "voucherAmount" bigint, "signedOn" date,
    "filedOn" date, "claimBy" date, deadline date, payee text, "payeeProvince" integer, score integer,
    "invoiceNo" text, "invoiceAmount" bigint, "verifiedBy" text, approved bigint, "approvedSeq" bigint,
    "clawedBack" bigint, version integer, "noticeDays" integer, "noticeEnds" date, evidence jsonb, agreement bigint,
    "redInvoices" text[], "localCategory" text, dossier jsonb)
  on conflict (book, "order") do update set
    state = excluded.state, deadline = excluded.deadline, score = excluded.score, invoice_no = excluded.invoice_no,
    invoice_amount = excluded.invoice_amount, verified_by = excluded.verified_by, approved = excluded.approved,
    approved_seq = excluded.approved_seq, clawed_back = excluded.clawed_back,
    notice_ends = excluded.notice_ends, evidence = excluded.evidence, red_invoices = excluded.red_invoices,
    dossier = excluded.dossier, contract_amount = excluded.contract_amount, voucher_amount = excluded.voucher_amount;

  if exists (
    select from jsonb_to_recordset(rows) as r (book integer, voucher bigint)
    where not exists (select from vouchers v where v.book = r.book and v.voucher = r.voucher)
  ) then
    raise exception 'an order on no voucher' using errcode = '23503';
  end if;
end
$$;
