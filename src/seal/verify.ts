import { hash } from 'node:crypto'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { canonical } from '../core/canonical.js'
import { parseCheckpoint, parseVerifier, type Verifier, verifierText, verifyCheckpoint } from '../core/checkpoint.js'
import { HASH_BYTES, leafHash, TILE } from '../core/merkle.js'
import { fenOf } from '../core/money.js'
import { entriesOf, type TileName, tilePath } from '../core/tlog.js'
import { Balances } from './balances.js'
import { convict } from './convict.js'
import { type LeafTransfer, leaf, transferList } from './leaf.js'
import { type BundleManifest, bundleManifest, files } from './manifest.js'
import { ProvenTree, TileFault, TileMissing } from './tree.js'

/** What came of one check of a bundle; without a finding it is in order. */
export interface Proved {
  readonly name: string
  readonly asks: string
  readonly finding?: string
  /** What was looked at, when it is in order. */
  readonly says?: string
}

/** What an auditor brings along: the key, and checkpoints that were kept. */
export interface Brought {
  /** As `verifier.txt` has it; without it the bundle's own, which only proves that the bundle agrees with itself. */
  readonly verifier?: string
  /** Notes of the same log, from wherever. */
  readonly notes?: readonly string[]
}

const asks = {
  manifest: 'the folder is a bundle 目录为完整的审计包',
  signature: 'the checkpoint is signed by the key 检查点签名有效',
  tree: 'the tiles lead to the root that was signed 分块归于已签名根哈希',
  entries: 'every entry is the one that was sealed 每一条目与封存一致',
  numbers: 'commands and entries are numbered without gaps 指令号、凭证号连续',
  balances: 'balances are the entries added up, nothing overdrawn 余额等于凭证之和',
  openings: 'what was opened is what was committed to 公开内容与承诺一致',
  checkpoints: 'older checkpoints are beginnings of this one 历史检查点均为其前缀',
  brought: 'the checkpoints that were kept are beginnings of this one 自存检查点一致',
} as const

class Fault extends Error {}

function fail(message: string): never {
  throw new Fault(message)
}

const read = (...path: string[]) => readFileSync(join(...path))
const maybe = (...path: string[]) => (existsSync(join(...path)) ? read(...path) : undefined)

/**
 * Checks an auditor's bundle, with nothing but the folder and the key. Each check relies on those before it, so the
 * first finding ends it.
 */
export function* verifyBundle(folder: string, brought: Brought = {}): Generator<Proved> {
  const bundle = new Bundle(folder)
  const steps: Record<keyof typeof asks, () => string> = {
    manifest: () => bundle.readManifest(),
    signature: () => bundle.checkSignature(brought.verifier),
    tree: () => bundle.checkTree(),
    entries: () => bundle.checkEntries(),
    numbers: () => bundle.numbers,
    balances: () => bundle.checkBalances(),
    openings: () => bundle.checkOpenings(),
    checkpoints: () => bundle.checkCheckpoints(),
    brought: () => bundle.checkNotes(brought.notes ?? []),
  }
  for (const [name, step] of Object.entries(steps) as [keyof typeof asks, () => string][]) {
    try {
      yield { name, asks: asks[name], says: step() }
    } catch (error) {
      if (!(error instanceof Fault || error instanceof TileFault)) throw error
      // Entries are read once, for several checks.
      const of = error instanceof Finding ? error.of : name
      yield { name: of, asks: asks[of], finding: error.message }
      return
    }
  }
}

/** A finding of another check than the one under way. */
class Finding extends Fault {
  constructor(
    readonly of: keyof typeof asks,
    message: string,
  ) {
    super(message)
  }
}

class Bundle {
  #manifest!: BundleManifest
  #verifier!: Verifier
  #tree!: ProvenTree
  #note = ''
  readonly #balances = new Balances()
  /** The commitments of leaves, one after the other, for what is opened. */
  #contents = Buffer.alloc(0)
  #entry = 0
  #bookedAt = ''
  numbers = ''

  readonly #isOpened: boolean

  constructor(readonly folder: string) {
    this.#isOpened = existsSync(join(folder, files.openings))
  }

  readManifest(): string {
    const text = maybe(this.folder, files.manifest)?.toString() ?? fail(`${files.manifest} is missing 缺失`)
    const parsed = bundleManifest.safeParse(asJson(text, files.manifest))
    if (!parsed.success)
      fail(`${files.manifest}: ${parsed.error.issues[0]!.path.join('.')} ${parsed.error.issues[0]!.message}`)
    const { book, from, to, size, log } = parsed.data
    this.#manifest = parsed.data
    if (from > to || to > size || from % TILE !== 1) fail(`${files.manifest}: commands ${from} to ${to} of ${size}`)
    const more = to < size ? `; the log goes on to ${size} 日志延续至` : ''
    return `${log}, book 账套 ${book}, commands 指令 ${from}–${to}${more}`
  }

  checkSignature(brought: string | undefined): string {
    this.#note = maybe(this.folder, files.checkpoint)?.toString() ?? fail(`${files.checkpoint} is missing 缺失`)
    const own = maybe(this.folder, files.verifier)?.toString()
    const text = brought ?? own ?? fail('there is no key: give --key 缺少公钥，请以 --key 提供')
    this.#verifier = parseVerifier(text) ?? fail('the key is not written as NAME+ID+KEY 公钥格式有误')
    const { log, size } = this.#manifest
    if (this.#verifier.name !== log) fail(`the key is of ${this.#verifier.name}, the bundle of ${log} 公钥与账套不符`)
    const checkpoint = verifyCheckpoint(this.#note, this.#verifier)
    if (!checkpoint) fail(`${files.checkpoint} is not signed by ${verifierText(this.#verifier)} 签名无效`)
    if (checkpoint.size !== size) fail(`${files.checkpoint} has ${checkpoint.size} leaves, the manifest ${size}`)
    this.#tree = new ProvenTree(size, checkpoint.root, ({ level, tile, width }) => this.#tile({ level, tile, width }))
    const warning =
      brought === undefined
        ? "; the key came with the bundle: compare it with the operator's 公钥来自包内，请另行核对"
        : ''
    return `${size} leaves, root ${checkpoint.root.toString('base64')}${warning}`
  }

  #tile(name: TileName): Buffer | undefined {
    return maybe(this.folder, tilePath(name))
  }

  checkTree(): string {
    const { from, to } = this.#manifest
    const [first, last] = [tileOf(from), tileOf(to)]
    for (let tile = first; tile <= last; tile++) this.#tree.tile(0, tile)
    return `tiles 分块 ${first}–${last}`
  }

  /** One pass over the entries: what they are, how they are numbered, what they move. */
  checkEntries(): string {
    const { from, to, opening, closing } = this.#manifest
    this.#entry = opening.entry
    for (const [account, { posted, held }] of Object.entries(opening.accounts)) {
      this.#balances.set(account, fenOf(posted), fenOf(held))
    }
    if (from === 1 && (opening.entry > 0 || this.#balances.accounts.size > 0)) {
      throw new Finding('balances', 'a bundle from command 1 has nothing before it 期初应为空')
    }
    if (this.#isOpened) this.#contents = Buffer.alloc((to - from + 1) * HASH_BYTES)
    for (let tile = tileOf(from); tile <= tileOf(to); tile++) this.#checkBundle(tile)
    if (this.#entry !== closing.entry) {
      throw new Finding('numbers', `the last entry is ${this.#entry}, the manifest says ${closing.entry} 末号凭证不符`)
    }
    this.numbers = `entries 凭证 ${opening.entry + 1}–${this.#entry}`
    return `${to - from + 1} leaves`
  }

  #checkBundle(tile: number): void {
    const width = Math.min(TILE, this.#manifest.to - tile * TILE)
    const path = tilePath({ level: 'entries', tile, width })
    const bytes = maybe(this.folder, path) ?? fail(`${path} is missing 缺失`)
    const entries = entriesOf(bytes) ?? fail(`${path} is cut off 不完整`)
    if (entries.length !== width) fail(`${path} has ${entries.length} entries, not ${width} 条目数不符`)
    const hashes = this.#tree.tile(0, tile)
    entries.forEach((entry, n) => {
      const seq = tile * TILE + n + 1
      if (!leafHash(entry).equals(hashes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES))) {
        fail(`command 指令 ${seq} in ${path} is not the one that was sealed 与封存不符`)
      }
      this.#checkLeaf(seq, entry.toString())
    })
  }

  #checkLeaf(seq: number, text: string): void {
    const value = asJson(text, `command 指令 ${seq}`)
    const parsed = leaf.safeParse(value)
    if (!parsed.success || canonical(value) !== text) fail(`command 指令 ${seq} is no leaf in canonical form 格式不符`)
    const { book, entry, bookedAt, content, transfers, transfersHash, ...rest } = parsed.data
    const wrong = (what: string) => {
      throw new Finding('numbers', `command 指令 ${seq}: ${what}`)
    }
    if (book !== this.#manifest.book) wrong(`is of book 账套 ${book}`)
    if (rest.seq !== seq) wrong(`is numbered ${rest.seq} 编号不符`)
    if (bookedAt < this.#bookedAt) wrong('is booked before the one before it 入账时刻倒退')
    this.#bookedAt = bookedAt
    if (this.#isOpened) this.#contents.write(content, (seq - this.#manifest.from) * HASH_BYTES, 'hex')
    const lines = transfers ?? this.#longEntry(seq, transfersHash)
    if ((entry !== null) !== lines.length > 0)
      wrong('has an entry without lines, or lines without an entry 凭证分录不全')
    if (entry === null) return
    if (entry !== this.#entry + 1) wrong(`entry ${entry} follows ${this.#entry} 凭证号不连续`)
    this.#entry = entry
    this.#book(entry, lines)
  }

  #longEntry(seq: number, hashed: string | undefined): readonly LeafTransfer[] {
    const path = `${files.long}/${seq}.json`
    const text = maybe(this.folder, path)?.toString() ?? fail(`${path} is missing 缺失`)
    if (hash('sha256', text) !== hashed) fail(`${path} is not what the leaf says 与叶子不符`)
    const parsed = transferList.safeParse(asJson(text, path))
    return parsed.success ? parsed.data : fail(`${path} is no list of transfers 格式不符`)
  }

  #book(entry: number, lines: readonly LeafTransfer[]): void {
    for (const line of lines) {
      const wrong = this.#balances.add(line)
      if (wrong) throw new Finding('balances', `entry 凭证 ${entry}: ${wrong}`)
    }
    const wrong = this.#balances.overdrawn(lines)
    if (wrong) throw new Finding('balances', `entry 凭证 ${entry}: ${wrong}`)
  }

  checkBalances(): string {
    const { accounts } = this.#manifest.closing
    for (const [account, { posted, held }] of this.#balances.accounts) {
      const stated = accounts[account] ?? { posted: '0.00', held: '0.00' }
      if (fenOf(stated.posted) !== posted || fenOf(stated.held) !== held) {
        fail(
          `${account} is stated as ${stated.posted} (held 冻结 ${stated.held}), its entries come to ${posted} fen (${held}) 余额不符`,
        )
      }
    }
    const stray = Object.keys(accounts).find((account) => !this.#balances.accounts.has(account))
    if (stray) fail(`${stray} is stated and has no entry 账户无凭证`)
    return `${this.#balances.accounts.size} accounts 账户`
  }

  checkOpenings(): string {
    if (!this.#isOpened) return 'nothing was opened 未公开内容'
    const { from, to } = this.#manifest
    let next = from
    for (const line of linesOf(join(this.folder, files.openings))) {
      const opened = opening.safeParse(asJson(line, files.openings))
      if (!opened.success) fail(`${files.openings}, line 行 ${next - from + 1}: is no opening 格式不符`)
      const { seq, salt, content } = opened.data
      if (seq !== next || seq > to) {
        fail(
          `${files.openings}, line 行 ${next - from + 1}: opens command 指令 ${seq}, where ${next > to ? 'none' : next} follows 缺失或重复`,
        )
      }
      const committed = hash('sha256', Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(content)]), 'buffer')
      const at = (seq - from) * HASH_BYTES
      if (!committed.equals(this.#contents.subarray(at, at + HASH_BYTES))) {
        fail(`command 指令 ${seq} is opened to something else 与承诺不符`)
      }
      next++
    }
    if (next <= to) fail(`${files.openings} ends before command 指令 ${next} 缺失`)
    return `${to - from + 1} commands 指令`
  }

  checkCheckpoints(): string {
    const names = existsSync(join(this.folder, files.checkpoints))
      ? readdirSync(join(this.folder, files.checkpoints))
      : []
    for (const name of names)
      this.#hold(read(this.folder, files.checkpoints, name).toString(), `${files.checkpoints}/${name}`)
    return `${names.length} checkpoints 检查点`
  }

  checkNotes(notes: readonly string[]): string {
    for (const note of notes) {
      const name = `the checkpoint of ${parseCheckpoint(note)?.size ?? 'no'} leaves`
      try {
        this.#hold(note, name)
      } catch (error) {
        // A bundle reaches to the checkpoints that the log still had when it was made, and to those it was made against.
        if (error instanceof TileMissing) {
          fail(
            `${name}: this bundle has no tiles for it, make one with --against 审计包缺少其分块，请以 --against 重新生成`,
          )
        }
        throw error
      }
    }
    return notes.length === 0
      ? 'none was brought; keep this one 未提供，请留存本检查点'
      : `${notes.length} checkpoints 检查点`
  }

  /** Holds another note of the log against the bundle's. */
  #hold(note: string, name: string): void {
    const size = parseCheckpoint(note)?.size ?? 0
    switch (convict(note, this.#note, this.#verifier, this.#tree)) {
      case 'forked':
        fail(
          `FORKED 日志分叉: ${name} and ${files.checkpoint} are both signed by ${this.#verifier.name}, and no log can have both: the past was changed`,
        )
        break
      case 'not signed':
        fail(`${name} is not signed by ${this.#verifier.name} 签名无效`)
        break
      case 'unknown':
        fail(
          `${name} has ${size} leaves, more than this bundle's: verify a bundle of the longer log with this one's checkpoint 请以更长日志的审计包核对`,
        )
    }
  }
}

/** A line of what was opened. The salt has its 32 bytes, so that none of the content can pass for salt. */
const opening = z.object({ seq: z.number(), salt: z.string().regex(/^[A-Za-z0-9+/]{43}=$/), content: z.string() })

/** How much of a file is read at once, in bytes. */
const CHUNK = 1 << 16

/** The lines of a file, one by one: the file may be longer than any text can be. */
function* linesOf(path: string): Generator<string> {
  const file = openSync(path, 'r')
  try {
    let begun: Buffer[] = []
    for (;;) {
      const chunk = Buffer.alloc(CHUNK)
      const read = chunk.subarray(0, readSync(file, chunk))
      if (read.length === 0) break
      let start = 0
      for (let end = read.indexOf('\n'); end >= 0; end = read.indexOf('\n', start)) {
        yield Buffer.concat([...begun, read.subarray(start, end)]).toString()
        begun = []
        start = end + 1
      }
      begun.push(read.subarray(start))
    }
    const rest = Buffer.concat(begun).toString()
    if (rest !== '') yield rest
  } finally {
    closeSync(file)
  }
}

/** The tile at level 0 that has a command. */
const tileOf = (seq: number) => Math.floor((seq - 1) / TILE)

function asJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return fail(`${name} is no JSON 不是 JSON`)
  }
}
