/** Facts as `decide` is given them, with nothing special about them; say only what matters. */
import type { Enterprise } from '../../src/enterprises/facts.js'
import type { Voucher } from '../../src/vouchers/facts.js'
import { uscc } from './scene.js'

export const enterpriseFact = (over: Partial<Enterprise> = {}): Enterprise => ({
  book: 0,
  uscc: uscc(1),
  name: 'E',
  division: '320509',
  types: ['tech_sme'],
  contact: null,
  version: 1,
  moves: [],
  qualifications: [],
  ...over,
})

export const voucherFact = (over: Partial<Voucher> = {}): Voucher => ({
  book: 320509,
  voucher: 9,
  program: 'WJ',
  enterprise: uscc(1),
  amount: 500_00n,
  issuedOn: '2026-01-10',
  useBy: '2026-06-30',
  lapsedOn: null,
  version: 1,
  recallOn: null,
  extendedOn: null,
  suspendedOn: null,
  ended: null,
  ...over,
})
