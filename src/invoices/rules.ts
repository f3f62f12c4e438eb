import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import type { Fen } from '../core/money.js'
import { type Day, isDay } from '../core/time.js'
import type { Invoice } from './contract.js'

const TOTAL = /^-?\d{1,13}(\.\d{1,2})?$/
const one = z.string().trim().min(1).max(200)

/**
 * The parts of a 数电票's XML that are read, of the many it has, each exactly once. The names are those of the tax
 * administration's files as they are handed out; we have found no published schema to check the rest against.
 */
const file = z.object({
  EInvoice: z.object({
    Header: z
      .object({
        InherentLabel: z.object({ InIssuType: z.object({ LabelCode: one }).optional() }).optional(),
      })
      .optional(),
    EInvoiceData: z.object({
      SellerInformation: z.object({ SellerIdNum: one }),
      BuyerInformation: z.object({ BuyerIdNum: one }),
      BasicInformation: z.object({ 'TotalTax-includedAmount': one.regex(TOTAL) }),
    }),
    TaxSupervisionInfo: z.object({
      InvoiceNumber: one.regex(/^\d{20}$/),
      IssueTime: one.transform((time) => time.slice(0, 10)).refine(isDay),
    }),
  }),
})

/** Texts only, no attributes; deeper than a hundred elements is refused. */
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, maxNestedTags: 100 })

/**
 * Reads the XML of a fully digital invoice 数电票; undefined when it is none. A document type is refused unread, and
 * with it every entity but XML's own five; so is any encoding but UTF-8.
 */
export function readInvoice(bytes: Uint8Array): Omit<Invoice, 'document'> | undefined {
  const xml = textOf(bytes)
  if (xml === undefined || /<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(xml)) return undefined
  if (XMLValidator.validate(xml) !== true) return undefined
  const read = file.safeParse(parsed(xml))
  if (!read.success) return undefined
  const { Header, EInvoiceData: said, TaxSupervisionInfo: issued } = read.data.EInvoice
  const total = fenOf(said.BasicInformation['TotalTax-includedAmount'])
  // The first two digits are the year, as tax bureaus explain the number; place and channel say nothing about a claim.
  if (issued.InvoiceNumber.slice(0, 2) !== issued.IssueTime.slice(2, 4)) return undefined
  return {
    invoiceNo: issued.InvoiceNumber,
    issuedOn: issued.IssueTime as Day,
    seller: said.SellerInformation.SellerIdNum.toUpperCase(),
    buyer: said.BuyerInformation.BuyerIdNum.toUpperCase(),
    total,
    // 是否蓝字发票标志
    isRed: total <= 0n || Header?.InherentLabel?.InIssuType?.LabelCode === 'N',
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const xml = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const declared = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/i.exec(xml)?.[1]
    return declared === undefined || /^utf-?8$/i.test(declared) ? xml : undefined
  } catch {
    return undefined
  }
}

function parsed(xml: string): unknown {
  try {
    return parser.parse(xml)
  } catch {
    return undefined
  }
}

/** Yuan with up to two decimals, as invoices have them, to fen. */
function fenOf(text: string): Fen {
  const [whole = '', cents = ''] = text.replace('-', '').split('.')
  const fen = BigInt(whole + cents.padEnd(2, '0'))
  return text.startsWith('-') ? -fen : fen
}

/** What of an invoice does not fit the claim that names it; undefined when all of it does. */
export function misfit(
  invoice: Invoice,
  claim: { invoiceNo: string; invoiceAmount: Fen; provider: string; enterprise: string; day: Day },
): 'invoiceNo' | 'invoiceAmount' | 'seller' | 'buyer' | 'issuedOn' | undefined {
  if (invoice.invoiceNo !== claim.invoiceNo) return 'invoiceNo'
  if (invoice.seller !== claim.provider) return 'seller'
  if (invoice.buyer !== claim.enterprise) return 'buyer'
  if (invoice.total !== claim.invoiceAmount) return 'invoiceAmount'
  if (invoice.issuedOn > claim.day) return 'issuedOn'
  return undefined
}
