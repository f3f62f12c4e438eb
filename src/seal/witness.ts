import { mkdirSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Sealed } from './queries.js'

const remembered = z.record(z.string(), z.strictObject({ size: z.number(), root: z.string() }))

/**
 * What this machine has signed last of every log, kept beside the database: after a restore from an older backup the
 * database does not know it any more, and the log must not be signed into another future.
 */
export class Witness {
  readonly #last: Map<string, { size: number; root: string }>
  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.#last = new Map(Object.entries(readLast(path)))
  }

  /** How many commands of a log were signed here, when that is more than, or something else than, the database knows. */
  contradicts(
    log: string,
    { size, root }: Pick<Sealed, 'size'> & { readonly root: Buffer | null },
  ): number | undefined {
    const last = this.#last.get(log)
    if (!last || last.size < size) return undefined
    return last.size > size || last.root !== root?.toString('hex') ? last.size : undefined
  }

  /** Remembers what was signed. */
  async keep(seals: readonly { readonly log: string; readonly size: number; readonly root: Buffer }[]): Promise<void> {
    for (const { log, size, root } of seals) this.#last.set(log, { size, root: root.toString('hex') })
    const draft = `${this.path}.draft`
    await writeFile(draft, `${JSON.stringify(Object.fromEntries(this.#last))}\n`, { mode: 0o600 })
    await rename(draft, this.path)
  }
}

function readLast(path: string): z.output<typeof remembered> {
  try {
    return remembered.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return {}
    throw error
  }
}
