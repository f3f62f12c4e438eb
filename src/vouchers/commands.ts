import { isWithin } from '../core/division.js'
import { voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { yearOf } from '../core/time.js'
import { owedToPool } from '../deadlines/owed.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { enterpriseOf } from '../enterprises/facts.js'
import { isEligible } from '../enterprises/rules.js'
import { isListed } from '../integrity/facts.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { post } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import { poolOf, programOn } from '../programs/facts.js'
import { recallOnOf, useByOf } from '../programs/rules.js'
import { issue, issued } from './contract.js'
import { grantKey, grants, type Voucher, voucherAccount, vouchers } from './facts.js'

/** Issues a voucher: the pool pays it (发放). Checks in the order of the rules; amount in fen. */
export const issueCommand = command({
  kind: 'issue',
  schema: issue,
  event: issued,
  facts(find, { enterprise, program }, day) {
    const rules = programOn(find, program, day)
    const book = rules.jurisdiction
    const key = grantKey({ book, program, enterprise, year: yearOf(day) })
    find.ahead([grants, key], ...accountsOf(book, poolOf(program)))
    return {
      book,
      program: rules,
      enterprise: enterpriseOf(find, enterprise),
      isListed: isListed(find, enterprise, 'no_new_vouchers', book, day),
      granted: find(grants, key)?.granted ?? 0n,
      pool: available(find, book, poolOf(program)),
    }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, program, enterprise, isListed, granted, pool }, { amount }, { day, seq }) {
    const { annualCap, firstGrantLimit } = program
    if (day < program.applyFrom || day > program.applyTo) {
      return refuse('program_not_open', { applyFrom: program.applyFrom, applyTo: program.applyTo })
    }
    if (isListed) return refuse('integrity_listed', { party: enterprise.uscc })
    if (!isWithin(enterprise.division, program.reach ?? String(program.jurisdiction))) {
      return refuse('outside_jurisdiction', { division: enterprise.division })
    }
    if (!isEligible(enterprise, program, day)) return refuse('enterprise_not_eligible')
    if (granted + amount > annualCap) {
      return refuse('annual_cap_exceeded', { annualCap: yuan(annualCap), granted: yuan(granted) })
    }
    if (amount > pool) return refuse('pool_insufficient', { pool: yuan(pool) })
    if (firstGrantLimit !== null && granted === 0n && amount > firstGrantLimit) {
      return refuse('first_grant_limit_exceeded', { firstGrantLimit: yuan(firstGrantLimit) })
    }

    const { program: code } = program
    const useBy = useByOf(program, day)
    const voucher: Voucher = {
      book,
      voucher: seq,
      program: code,
      enterprise: enterprise.uscc,
      amount,
      issuedOn: day,
      useBy,
      lapsedOn: null,
      version: program.version,
      recallOn: recallOnOf(program, day),
    }
    const grant = { book, program: code, enterprise: enterprise.uscc, year: yearOf(day), ceiling: annualCap }
    return {
      book,
      entry: [post('issue', poolOf(code), { ...voucherAccount(voucher), isNew: true }, amount)],
      rows: [row(vouchers, voucher), row(grants, { ...grant, granted: granted + amount })],
      event: { voucher: voucherId(book, seq), amount: yuan(amount), useBy },
    }
  },
  async owed(sources, { book, program }, { refused }, day) {
    return refused === 'pool_insufficient' ? owedToPool(sources, book, program.program, day) : undefined
  },
})
