-- A program with its versions, each written once: what is published is never edited.
create function put_programs(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into programs (program, version, effective_from, jurisdiction, ratio, annual_cap, order_cap, payee, invoice,
    cross_region, apply_from, apply_to, use_within_days, claim_within_days, categories, enterprise_types, title,
    document, reach, ratios, use_by, recall_unused_after_days, first_grant_limit, notice_days, evidence, verified_types,
    extend_days, acceptance_days, appeal_days)
  select v.program, v.version, v."effectiveFrom", v.jurisdiction, v.ratio, v."annualCap", v."orderCap", v.payee,
    v.invoice, v."crossRegion", v."applyFrom", v."applyTo", v."useWithinDays", v."claimWithinDays", v.categories,
    v."enterpriseTypes", v.title, v.document, v.reach, v.ratios, v."useBy", v."recallUnusedAfterDays",
    v."firstGrantLimit", v."noticeDays", v.evidence, v."verifiedTypes", v."extendDays",
    v."acceptanceDays", v."appealDays"
  from jsonb_to_recordset(rows) as p (versions jsonb), jsonb_to_recordset(p.versions) as v (
    program text, version integer, "effectiveFrom" date, jurisdiction integer, ratio text, "annualCap" bigint,
    "orderCap" bigint, payee text, invoice text, "crossRegion" boolean, "applyFrom" date, "applyTo" date,
    "useWithinDays" integer, "claimWithinDays" integer, categories text[], "enterpriseTypes" text[], title text,
    document text, reach text, ratios jsonb, "useBy" date, "recallUnusedAfterDays" integer, "firstGrantLimit" bigint,
    "noticeDays" integer, evidence text[], "verifiedTypes" boolean, "extendDays" integer,
    "acceptanceDays" integer, "appealDays" integer)
  on conflict (program, version) do nothing
$$;
