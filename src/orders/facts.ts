import { orderId, parseOrderId } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'
import type { OrderState, verdicts } from './contract.js'

/** A document that came with a claim 佐证材料, by the SHA-256 of its file. */
export interface Evidence {
  readonly kind: string
  readonly sha256: string
}

/** What a bureau asked for when it returned a claim 补正事项, and what the resubmission says to it. */
export interface Wanted {
  readonly item: string
  readonly what: string
  readonly answer: string | null
}

/** How an objection or an appeal was decided. */
export interface Decision {
  readonly on: Day
  readonly person: string
  readonly verdict: (typeof verdicts)[number]
  readonly reason: string
}

/** An objection during public notice 公示异议. */
export interface Objection {
  /** The number of the command that filed it. */
  readonly objection: number
  readonly on: Day
  readonly organisation: string
  readonly reason: string
  readonly decision: Decision | null
}

/** An appeal against a rejection 申诉. */
export interface Appeal {
  /** The number of the command that filed it. */
  readonly appeal: number
  readonly on: Day
  readonly reason: string
  readonly decision: Decision | null
}

/** A red invoice 红字发票 that took back some of an approved order's invoice. Money as yuan: the dossier is JSON. */
export interface RedFlush {
  readonly redInvoiceNo: string
  readonly on: Day
  /** By which it lowered the invoice. */
  readonly amount: string
  /** What the lowered invoice no longer supports, to be clawed back with it; null: nothing. */
  readonly clawBack: string | null
  /** That it was. */
  readonly isClawedBack?: true
}

/** What an order gathers besides its course 卷宗: each part is there only once it was said, and most orders have none. */
export interface Dossier {
  /** The last day on which the provider may accept; there when the program wants it to. */
  readonly acceptBy?: Day
  /** Workdays in which a rejection can be appealed, as the program says; and the last day of them, once rejected. */
  readonly appealDays?: number
  readonly appealBy?: Day
  /** Whether the one of these days that was counted last went over a year whose holidays were not published. */
  readonly isProvisional?: boolean
  readonly rejectedBy?: string
  readonly summary?: string
  readonly results?: readonly string[]
  readonly comment?: string
  readonly wanted?: readonly Wanted[]
  readonly objections?: readonly Objection[]
  /** Against the last rejection; null once that is another one. */
  readonly appeal?: Appeal | null
  readonly replaces?: string
  readonly replacedBy?: string
  readonly redFlushes?: readonly RedFlush[]
}

/** An order with its claim: one service contract from filing to payment. Money in fen. */
export interface Order extends Fact {
  /** The number of the command that filed it; also of its hold. */
  readonly order: number
  readonly state: OrderState
  readonly voucher: number
  readonly program: string
  readonly enterprise: string
  readonly provider: string
  readonly category: string
  readonly contractNo: string
  readonly contractAmount: Fen
  readonly voucherAmount: Fen
  readonly signedOn: Day
  readonly filedOn: Day
  readonly claimBy: Day
  /** The last day before it lapses; null while no deadline runs. */
  readonly deadline: Day | null
  readonly payee: 'provider' | 'enterprise'
  /** The province of the payee's division, as a book. */
  readonly payeeProvince: Book
  readonly score: number | null
  readonly invoiceNo: string | null
  readonly invoiceAmount: Fen | null
  readonly verifiedBy: string | null
  readonly approved: Fen | null
  readonly approvedSeq: number | null
  readonly clawedBack: Fen
  /** The version of the program's rules it lives under: its voucher's. */
  readonly version: number
  /** Of public notice 公示 after verification, in calendar days; null when the program wants none. */
  readonly noticeDays: number | null
  /** The last day of the notice since it was last verified. */
  readonly noticeEnds: Day | null
  readonly evidence: readonly Evidence[] | null
  /** The agreement its provider was recognised by; null when it was recognised directly. */
  readonly agreement: number | null
  /** Its invoices that were found to be red-flushed 红冲; null: none. */
  readonly redInvoices: readonly string[] | null
  /** The province's own category it was filed under. */
  readonly localCategory: string | null
  readonly dossier: Dossier | null
}

/** Adds to an order's dossier; what is undefined is left as it is. */
export function noted(order: Order, said: { readonly [P in keyof Dossier]: Dossier[P] | undefined }): Order {
  const more = Object.entries(said).filter(([, value]) => value !== undefined)
  return more.length === 0 ? order : { ...order, dossier: { ...order.dossier, ...Object.fromEntries(more) } }
}

export const idOf = (order: Pick<Order, 'book' | 'order'>) => orderId(order.book, order.order)

export const orders: FactKind<Order> = {
  name: 'orders',
  key: idOf,
  bookOf: (key) => parseOrderId(key)?.book,
  async load(sql, keys) {
    const ids = keys.map((key) => parseOrderId(key)!)
    const rows = await sql<
      (Omit<Order, 'order' | 'voucher' | 'approvedSeq' | 'agreement'> & {
        order: bigint
        voucher: bigint
        agreement: bigint | null
        approvedSeq: bigint | null
      })[]
    >`
      select o.book, o."order", o.state, o.voucher, o.program, o.enterprise, o.provider, o.category,
             o.contract_no as "contractNo", o.contract_amount as "contractAmount", o.voucher_amount as "voucherAmount",
             o.signed_on as "signedOn", o.filed_on as "filedOn", o.claim_by as "claimBy", o.deadline, o.payee,
             o.payee_province as "payeeProvince", o.score, o.invoice_no as "invoiceNo",
             o.invoice_amount as "invoiceAmount", o.verified_by as "verifiedBy", o.approved,
             o.approved_seq as "approvedSeq", o.clawed_back as "clawedBack", o.version,
             o.notice_days as "noticeDays", o.notice_ends as "noticeEnds", o.evidence, o.agreement,
             o.red_invoices as "redInvoices",
             o.local_category as "localCategory",
             o.dossier
      from unnest(${ids.map((id) => id.book)}::int[], ${ids.map((id) => id.number)}::bigint[]) as k (book, "order")
      join orders o on o.book = k.book and o."order" = k."order"`
    return rows.map((row) => ({
      ...row,
      order: Number(row.order),
      voucher: Number(row.voucher),
      approvedSeq: row.approvedSeq === null ? null : Number(row.approvedSeq),
      agreement: row.agreement === null ? null : Number(row.agreement),
    }))
  },
}

/** The order of this id; throws Refused('order_not_found'). */
export function orderOf(find: Find, id: string): Order {
  const order = find(orders, id)
  if (!order) throw new Refused('order_not_found', { order: id })
  return order
}

/** The organisation that is paid: the provider (通兑) or the reimbursed enterprise (通用). */
export const payeeOf = (order: Order) => (order.payee === 'provider' ? order.provider : order.enterprise)

/** The payee's accounts, by its role: one code may be a provider here and an enterprise there. */
const payeeOwner = (order: Order) => `${order.payee}:${payeeOf(order)}`

export const payableOf = (order: Order): AccountName => ({
  kind: 'payable',
  owner: payeeOwner(order),
  province: order.payeeProvince,
})

export const recoverableOf = (order: Order): AccountName => ({
  kind: 'recoverable',
  owner: payeeOwner(order),
  province: order.payeeProvince,
})

/** Region-wide keys: a provider's contract number and an invoice number may be in use once in all four provinces. */
export const contractKey = (provider: string, contractNo: string) => `contract ${provider} ${contractNo}`
export const invoiceKey = (invoiceNo: string) => `invoice ${invoiceNo}`

export const keysOf = (order: Order) => [contractKey(order.provider, order.contractNo)]
/** Given back when its order ends or takes another; a red-flushed one stays, so that no order can ever use it. */
export const invoiceKeys = (order: Order) =>
  order.invoiceNo === null || order.redInvoices?.includes(order.invoiceNo) ? [] : [invoiceKey(order.invoiceNo)]
