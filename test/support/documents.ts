/** Files as people upload them, all made here: small, well-formed, and of nobody. */
import { crc32, deflateSync } from 'node:zlib'
import { strToU8, zipSync } from 'fflate'
import type { Actor } from '../../src/core/actor.js'
import type { TestService } from './service.js'

export const pdf = (inside = '') =>
  Buffer.from(
    `%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n${inside}\ntrailer<</Root 1 0 R>>\n%%EOF\n`,
    'latin1',
  )

/** A picture of one point; each `seed` gives another file. */
export function png(seed = 0): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0])
  const note = Buffer.from(`Comment\0${seed}`)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('tEXt', note),
    chunk('IDAT', deflateSync(Buffer.from([0, 0]))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

export const jpeg = () => Buffer.from('ffd8ffe000104a46494600010100000100010000ffdb0004000affd9', 'hex')

const OFD_XML =
  '<?xml version="1.0" encoding="UTF-8"?><ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" Version="1.0"><ofd:DocBody/></ofd:OFD>'

export const ofd = (more: Record<string, Uint8Array> = {}) =>
  Buffer.from(zipSync({ 'OFD.xml': strToU8(OFD_XML), 'Doc_0/Document.xml': strToU8('<Document/>'), ...more }))

export interface InvoiceParts {
  readonly number: string
  readonly issuedOn?: string
  readonly seller: string
  readonly buyer: string
  readonly total: string
  /** Y: a blue invoice 蓝字发票. */
  readonly blue?: string
}

/** An invoice's XML in the shape of those that are handed out; the sample is ours, no invoice of anybody. */
export const invoiceXml = ({
  number,
  issuedOn = '2026-03-01',
  seller,
  buyer,
  total,
  blue = 'Y',
}: InvoiceParts) => `<?xml version="1.0" encoding="UTF-8"?>
<EInvoice>
  <Header>
    <EIid>${number}</EIid><EInvoiceTag>SWEI3200</EInvoiceTag><Version>0.2</Version>
    <InherentLabel>
      <InIssuType><LabelCode>${blue}</LabelCode><LabelName>是否蓝字发票标志</LabelName></InIssuType>
      <EInvoiceType><LabelCode>01</LabelCode><LabelName>电子发票</LabelName></EInvoiceType>
      <GeneralOrSpecialVAT><LabelCode>02</LabelCode><LabelName>普通发票</LabelName></GeneralOrSpecialVAT>
    </InherentLabel>
  </Header>
  <EInvoiceData>
    <SellerInformation><SellerIdNum>${seller}</SellerIdNum><SellerName>合成检测机构</SellerName></SellerInformation>
    <BuyerInformation><BuyerIdNum>${buyer}</BuyerIdNum><BuyerName>合成科技 &amp; 企业</BuyerName></BuyerInformation>
    <BasicInformation>
      <TotalAmWithoutTax>${total}</TotalAmWithoutTax><TotalTaxAm>0.00</TotalTaxAm>
      <TotalTax-includedAmount>${total}</TotalTax-includedAmount>
      <RequestTime>${issuedOn} 10:11:12</RequestTime>
    </BasicInformation>
    <IssuItemInformation><ItemName>*研发和技术服务*检测费</ItemName><Amount>${total}</Amount></IssuItemInformation>
  </EInvoiceData>
  <TaxSupervisionInfo><InvoiceNumber>${number}</InvoiceNumber><IssueTime>${issuedOn}</IssueTime></TaxSupervisionInfo>
</EInvoice>`

/** Uploads a file as somebody. */
export async function upload(
  { base, token }: Pick<TestService, 'base' | 'token'>,
  actor: Actor,
  type: string,
  content: Uint8Array | string,
) {
  const response = await fetch(`${base}/v1/documents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token(actor)}`, 'content-type': type },
    body: content,
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  return { status: response.status, body: (await response.json()) as any }
}
