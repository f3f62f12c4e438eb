import { applicationId, parseApplicationId } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { ApplicationState } from './contract.js'

/** A document by its name and the SHA-256 of its file. */
export interface ApplicationDocument {
  readonly name: string
  readonly sha256: string
}

/** What an enterprise asks a program for 申请, from its submission to the grant; in the book that would issue. */
export interface Application extends Fact {
  /** The number of the command that made it. */
  readonly application: number
  /** The number of the command that last wrote it. */
  readonly version: number
  readonly state: ApplicationState
  readonly program: string
  readonly enterprise: string
  readonly amount: Fen
  /** The day it was last submitted. */
  readonly appliedOn: Day
  readonly note: string | null
  readonly documents: readonly ApplicationDocument[]
  /** Who passed it: somebody else grants it. */
  readonly reviewedBy: string | null
  /** What must be completed; empty unless it was returned. */
  readonly missing: readonly string[]
  readonly reason: string | null
  /** The number of the voucher that was granted. */
  readonly voucher: number | null
}

const idOf = ({ book, application }: Pick<Application, 'book' | 'application'>) => applicationId(book, application)

export const applications: FactKind<Application> = {
  name: 'applications',
  key: idOf,
  bookOf: (key) => parseApplicationId(key)?.book,
  async load(sql, keys) {
    const ids = keys.map((key) => parseApplicationId(key)!)
    type Row = Omit<Application, 'application' | 'version' | 'voucher'> & {
      application: bigint
      version: bigint
      voucher: bigint | null
    }
    const rows = await sql<Row[]>`
      select a.book, a.application, a.version, a.state, a.program, a.enterprise, a.amount, a.applied_on as "appliedOn",
             a.note, a.documents, a.reviewed_by as "reviewedBy", a.missing, a.reason, a.voucher
      from unnest(${ids.map((id) => id.book)}::int[], ${ids.map((id) => id.number)}::bigint[]) as k (book, application)
      join applications a on a.book = k.book and a.application = k.application`
    return rows.map((row) => ({
      ...row,
      application: Number(row.application),
      version: Number(row.version),
      voucher: row.voucher === null ? null : Number(row.voucher),
    }))
  },
}

/** The application of this id; throws Refused('application_not_found'). */
export function applicationOf(find: Find, id: string): Application {
  const application = find(applications, id)
  if (!application) throw new Refused('application_not_found', { application: id })
  return application
}

/** Region-wide key: an enterprise has one open application under a program. */
export const openKey = ({ program, enterprise }: Pick<Application, 'program' | 'enterprise'>) =>
  `application ${enterprise} ${program}`
