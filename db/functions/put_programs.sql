-- A program's rules, written once: a published program is never edited.
create function put_programs(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into programs (program, jurisdiction, ratio, annual_cap, order_cap, payee, invoice, cross_region, apply_from,
    apply_to, use_within_days, claim_within_days, categories, enterprise_types, verified_types)
  select r.program, r.jurisdiction, r.ratio, r."annualCap", r."orderCap", r.payee, r.invoice, r."crossRegion",
         r."applyFrom", r."applyTo", r."useWithinDays", r."claimWithinDays", r.categories, r."enterpriseTypes",
         r."verifiedTypes"
  from jsonb_to_recordset(rows) as r (
    program text, jurisdiction integer, ratio text, "annualCap" bigint, "orderCap" bigint, payee text, invoice text,
    "crossRegion" boolean, "applyFrom" date, "applyTo" date, "useWithinDays" integer, "claimWithinDays" integer,
    categories text[], "enterpriseTypes" text[], "verifiedTypes" boolean)
$$;
