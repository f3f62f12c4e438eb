-- A program's rules, written once: a published program is never edited.
create function put_programs(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into programs
  select r.program, r.jurisdiction, r.ratio, r."annualCap", r."orderCap", r.payee, r.invoice, r."crossRegion",
         r."applyFrom", r."applyTo", r."useWithinDays", r."claimWithinDays", r.categories, r."enterpriseTypes"
  from jsonb_to_recordset(rows) as r (
    program text, jurisdiction integer, ratio text, "annualCap" bigint, "orderCap" bigint, payee text, invoice text,
    "crossRegion" boolean, "applyFrom" date, "applyTo" date, "useWithinDays" integer, "claimWithinDays" integer,
    categories text[], "enterpriseTypes" text[])
$$;
