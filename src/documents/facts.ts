import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { dayOf, type Instant } from '../core/time.js'
import { readableBooks } from '../engine/access.js'
import type { Services } from '../engine/route.js'
import type { Sql } from '../platform/database.js'
import type { Received } from '../platform/files.js'
import { type DocumentType, MOST_BYTES_A_DAY } from './contract.js'

/** Writes down who has uploaded a file; throws Refused('upload_limit_reached'). */
export async function keepDocument(
  sql: Sql,
  { sha256, size }: Received,
  { type, actor, at }: { readonly type: DocumentType; readonly actor: Actor; readonly at: Instant },
): Promise<void> {
  const { organisation, subject } = actor
  const [found] = await sql<{ kept: boolean }[]>`
    select keep_document(${sha256}, ${organisation}, ${type}, ${size}, ${subject}, ${at}, ${dayOf(at)},
                         ${MOST_BYTES_A_DAY}) as kept`
  if (!found?.kept) throw new Refused('upload_limit_reached', { mostBytes: MOST_BYTES_A_DAY })
}

/**
 * The types of documents that something is about to rest on, by their digests: from now on they stay. They are this
 * organisation's own uploads, so that nobody reaches another's file by naming its digest; throws
 * Refused('document_not_found').
 */
export async function nameDocuments(
  { sql, files }: Services,
  organisation: string,
  documents: readonly string[],
): Promise<ReadonlyMap<string, DocumentType>> {
  const rows = await sql<{ sha256: string; type: DocumentType }[]>`
    select sha256, type from name_documents(${documents as string[]}, ${organisation})`
  const types = new Map(rows.map(({ sha256, type }) => [sha256, type]))
  for (const document of documents) {
    // A file can be missing where only the database was restored.
    if (!types.has(document) || !(await files.has(document))) throw new Refused('document_not_found', { document })
  }
  return types
}

/**
 * The type and size of a document, when this person may read it: who uploaded it, who sees an order that names it, and a
 * bureau that checks a qualification, an appeal or an application with it. Only what one of the parties uploaded counts.
 */
export async function readableDocument(sql: Sql, document: string, actor: Actor) {
  const books = readableBooks(actor)
  const named = JSON.stringify([{ sha256: document }])
  const asEvidence = JSON.stringify([{ evidence: [document] }])
  const asResult = JSON.stringify([document])
  const isNamed = sql`(o.evidence @> ${named}::text::jsonb
    or (o.dossier ? 'results' and o.dossier -> 'results' @> ${asResult}::text::jsonb))`
  const isSeen = books
    ? sql`(exists (select from orders o where ${isNamed}
                     and d.organisation in (o.enterprise, o.provider) and o.book between ${books.low} and ${books.high})
           or exists (select from enterprises e
                      where e.uscc = d.organisation and e.qualifications @> ${asEvidence}::text::jsonb)
           or exists (select from integrity_entries i
                      where i.uscc = d.organisation and i.appeals @> ${asEvidence}::text::jsonb)
           or exists (select from applications a
                      where a.enterprise = d.organisation and a.documents @> ${named}::text::jsonb
                        and a.book between ${books.low} and ${books.high}))`
    : sql`exists (select from orders o where ${isNamed} and d.organisation in (o.enterprise, o.provider)
                    and ${actor.organisation} in (o.enterprise, o.provider))`
  const [found] = await sql<{ type: DocumentType; bytes: bigint }[]>`
    select d.type, d.bytes from documents d
    where d.sha256 = ${document} and (d.organisation = ${actor.organisation} or ${isSeen}) limit 1`
  return found
}
