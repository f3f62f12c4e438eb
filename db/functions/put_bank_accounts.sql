-- All accounts of an owner, as they are after the command; what was proposed never changes, but for its seal.
create function put_bank_accounts(rows jsonb) returns void
language sql set search_path = clearing, pg_temp as $$
  insert into bank_accounts (account, owner, after, version, holder, registered_name, explanation, bank, bank_code,
                             sealed, print, tail, state, proposed_by, proposed_on, decided_by, decided_on, valid_from,
                             notified)
  select a.account, o.owner, a.after, a.version, a.holder, a."registeredName", a.explanation, a.bank, a."bankCode",
         a.sealed, a.print, a.tail, a.state, a."proposedBy", a."proposedOn", a."decidedBy", a."decidedOn", a."from",
         a.notified
  from jsonb_to_recordset(rows) as o (owner text, accounts jsonb),
       jsonb_to_recordset(o.accounts) as a (
         account bigint, after bigint, version bigint, holder text, "registeredName" text, explanation text, bank text,
         "bankCode" text, sealed text, print text, tail text, state text, "proposedBy" text, "proposedOn" date,
         "decidedBy" text, "decidedOn" date, "from" date, notified text)
  on conflict (account) do update set
    version = excluded.version, sealed = excluded.sealed, print = excluded.print, state = excluded.state,
    decided_by = excluded.decided_by, decided_on = excluded.decided_on, valid_from = excluded.valid_from
  where bank_accounts.version <> excluded.version or bank_accounts.sealed <> excluded.sealed
$$;
