import { z } from 'zod'
import { digest } from '../platform/wire.js'

/**
 * What evidence comes as: scans, and what tax and bank systems hand out. No office files: what is to be proved is signed
 * or issued, and prints to PDF.
 */
export const documentTypes = ['pdf', 'png', 'jpeg', 'ofd', 'xml'] as const
export type DocumentType = (typeof documentTypes)[number]

/** Media types by what they say; OFD (GB/T 33190) has none that is registered. */
export const mediaTypes: Readonly<Record<string, DocumentType>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'application/ofd': 'ofd',
  'application/xml': 'xml',
  'text/xml': 'xml',
}

/** The most that one file may have, in bytes. */
export const MOST_BYTES = 20 * 2 ** 20
/** The most that an organisation may upload on one day, in bytes. */
export const MOST_BYTES_A_DAY = 2 * 2 ** 30
/** A document that nothing has named after so many calendar days is removed. */
export const UNNAMED_DAYS = 30

/** What can be wrong with a file's content: the `reason` of `document_refused`. */
export type Fault =
  | 'not_as_declared'
  | 'two_formats'
  | 'active_content'
  | 'too_large_inside'
  | 'damaged'
  | 'not_an_invoice'

export const documentParams = z.strictObject({ document: digest })

export const uploaded = z
  .object({
    document: digest.meta({ description: 'SHA-256 of the file: the name it goes by 文件摘要' }),
    type: z.enum(documentTypes),
    bytes: z.number(),
  })
  .meta({ id: 'Document' })
