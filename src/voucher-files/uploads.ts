import { createHash } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Actor } from '../core/actor.js'
import { isRefusal, Refused, refuse } from '../core/refusals.js'
import type { CommandType } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { SheetFormat } from '../platform/sheets.js'
import { issueCommand } from '../vouchers/commands.js'
import { issuedVerdict, refusedVerdict, type Verdict, type VoucherFile } from './rules.js'

/** So many rows wait in the engine's queue at once: the rest of the bureau's business keeps its room there. */
const AT_ONCE = 500
/** Files that are worked on at once, and that are remembered. */
const MOST_RUNNING = 4
const MOST_KEPT = 20

/** What a row is asked again after, under the same key. */
const again = new Set(['overloaded', 'unavailable', 'clock_behind', 'internal_fault'])

/** One file and what became of its rows so far. */
export interface Upload extends VoucherFile {
  readonly file: string
  readonly organisation: string
  readonly format: SheetFormat
  readonly digest: string
  readonly verdicts: (Verdict | undefined)[]
  state: 'running' | 'finished'
}

interface Given {
  readonly actor: Actor
  readonly key: string
  readonly format: SheetFormat
  readonly bytes: Buffer
  readonly log: FastifyBaseLogger
}

const idOf = (organisation: string, key: string) =>
  createHash('sha256')
    .update(JSON.stringify([organisation, key]))
    .digest('hex')
    .slice(0, 32)

/**
 * The files that this process works on. What counts is in the ledger: each row is a command under a key of its own, made
 * of the file's key and the row's number, so a file that is given again, after a crash or to another process, comes to
 * the same verdicts and issues nothing twice.
 */
export class Uploads {
  readonly #engine: Runner
  readonly #uploads = new Map<string, Upload>()

  constructor(engine: Runner) {
    this.#engine = engine
  }

  /**
   * Takes a file up and returns at once; `read` is asked for its rows when it is not known yet. Throws
   * Refused('idempotency_key_reused') when another file came under this key, Refused('overloaded').
   */
  take(given: Given, read: () => VoucherFile): Upload {
    const { actor, key, format, bytes } = given
    const { organisation } = actor
    const file = idOf(organisation, key)
    const digest = createHash('sha256').update(bytes).digest('hex')
    const known = this.#uploads.get(file)
    if (known && known.digest !== digest) throw new Refused('idempotency_key_reused')
    if (known?.state === 'running') return known
    const running = [...this.#uploads.values()].filter(({ state }) => state === 'running')
    if (running.length >= MOST_RUNNING) throw new Refused('overloaded')
    const upload: Upload = known ?? { ...read(), file, organisation, format, digest, verdicts: [], state: 'running' }
    upload.state = 'running'
    this.#uploads.delete(file)
    this.#uploads.set(file, upload)
    this.#forget()
    void this.#run(upload, given)
    return upload
  }

  /** The file of this id, if it is of this organisation; throws Refused('file_not_found'). */
  find(organisation: string, file: string): Upload {
    const upload = this.#uploads.get(file)
    if (upload?.organisation !== organisation) throw new Refused('file_not_found', { file })
    return upload
  }

  #forget(): void {
    for (const [file, { state }] of this.#uploads) {
      if (this.#uploads.size <= MOST_KEPT) return
      if (state === 'finished') this.#uploads.delete(file)
    }
  }

  async #run(upload: Upload, { actor, key, log }: Given): Promise<void> {
    const type = issueCommand as unknown as CommandType
    const judge = async (row: number) => {
      const { asked } = upload.rows[row]!
      if ('outcome' in asked) {
        upload.verdicts[row] = asked
        return
      }
      try {
        // No caller's key has a space in it, so a row's key is nobody else's.
        const outcome = await this.#engine.run({ type, command: asked, actor, key: `${key} file ${row}` })
        upload.verdicts[row] = isRefusal(outcome)
          ? refusedVerdict(outcome)
          : issuedVerdict(outcome.event.voucher as string)
      } catch (error) {
        if (!(error instanceof Refused)) log.error({ err: error, file: upload.file, row }, 'fault')
        upload.verdicts[row] = refusedVerdict(error instanceof Refused ? error.refusal : refuse('internal_fault'))
      }
    }
    const open = [...upload.rows.keys()].filter((row) => {
      const verdict = upload.verdicts[row]
      return !verdict || again.has(verdict.code)
    })
    for (let from = 0; from < open.length; from += AT_ONCE) {
      await Promise.all(open.slice(from, from + AT_ONCE).map(judge))
    }
    upload.state = 'finished'
  }
}
