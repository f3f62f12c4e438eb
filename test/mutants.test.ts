/**
 * Bugs that must not pass: each is put into a copy of the engine, and the simulation must find it there, for the right
 * reason. A bug is a replacement of text in the sources that must fit exactly once, so that it cannot rot.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

interface Mutant {
  readonly name: string
  /** File below src, what stands there, and what is put in its place. */
  readonly changes: readonly (readonly [file: string, sound: string, broken: string])[]
  /** The promises that it may be seen to break. */
  readonly breaks: readonly string[]
  /** The seed to begin with, where the first ones that show it come late. */
  readonly from?: number
}

const KEPT = 'an answered acceptance is in the log as it was answered'
const ANSWERED = 'every caller is answered'
const REPLAYED = 'the log decided again comes to the same'
const UNSTRUCK = 'no command meets a fault'

const mutants: readonly Mutant[] = [
  {
    name: 'a fence not checked: commands that were not recorded are answered as if they were',
    changes: [['engine/engine.ts', 'if (dead.has(index)) return true', 'if (index < 0) return true']],
    breaks: [KEPT, 'an answered refusal is stored under its key'],
  },
  {
    name: 'a fence not put up: the heads of books that were only looked at are not sent',
    changes: [
      [
        'ledger/record.ts',
        'for (const { rests } of jobs) for (const book of rests) rested.add(book)',
        'for (const { accepted } of jobs) if (accepted) rested.add(accepted.booking.book)',
      ],
    ],
    breaks: ['what was answered before a command was asked is not overlooked by it', REPLAYED],
  },
  {
    name: 'a hold captured twice: capturing does not close it, and an approved claim may be approved again',
    changes: [
      ['ledger/world.ts', '(l.leg === leg ? {', "(l.leg === leg && line.phase !== 'capture' ? {"],
      [
        'orders/rules.ts',
        "approved: { claw_back: 'approved',",
        "approved: { approve_claim: 'approved', claw_back: 'approved',",
      ],
    ],
    breaks: ['a hold is what its entries leave open', UNSTRUCK],
  },
  {
    name: 'a lost retry: one of the commands to be decided again is forgotten',
    changes: [['engine/engine.ts', 'again.sort(byArrival)', 'again.sort(byArrival).slice(1)']],
    breaks: [ANSWERED],
  },
  {
    name: 'a key not stored with a refusal',
    changes: [['ledger/record.ts', 'if (refusal && key)', 'if (refusal && key && accepted)']],
    breaks: ['an answered refusal is stored under its key'],
  },
  {
    name: 'a balance written from a stale cache: facts outlive the head they were read under',
    changes: [
      ['ledger/world.ts', 'this.#books.clear()\n', 'this.#old = new Map(this.#books)\n    this.#books.clear()\n'],
      ['ledger/world.ts', '  #allHeads = false\n', '  #allHeads = false\n  #old = new Map<Book, Known>()\n'],
      ['ledger/world.ts', 'head, facts: new Facts() }', 'head, facts: this.#old.get(book)?.facts ?? new Facts() }'],
    ],
    breaks: ['a balance is what its entries add up to', REPLAYED, UNSTRUCK],
  },
  {
    name: 'after a lost reply the key is not looked up',
    changes: [['engine/engine.ts', 'for (const ticket of tickets) ticket.mustLookUp = true', '']],
    breaks: [UNSTRUCK],
  },
  {
    name: 'a clock that steps back takes the log with it',
    changes: [['ledger/world.ts', 'moment: at > head.moment ? at : head.moment', 'moment: at']],
    breaks: ['time does not run backwards in a book'],
  },
  {
    name: 'an entry number used again',
    changes: [['ledger/world.ts', 'entries: booking.entry ?? head.entries', 'entries: head.entries']],
    breaks: [UNSTRUCK],
  },
  {
    name: 'a key used again for another command gets the first one’s answer',
    changes: [['engine/idempotency.ts', 'if (stored.fingerprint !== asked) return', 'if (asked === "") return']],
    breaks: ['the same key gives the same answer'],
  },
  {
    name: 'a contract number that is not taken',
    changes: [['ledger/world.ts', 'of plan.claims ?? []) this.#hand(', 'of []) this.#hand(']],
    breaks: [REPLAYED, UNSTRUCK],
  },
  {
    name: 'a command is lost with the link it was passed on over',
    changes: [['engine/front.ts', 'isAgain = true', 'return new Promise(() => {})']],
    breaks: [ANSWERED],
  },
  {
    name: 'a command passed on to a process that is not in charge any more is not asked again',
    changes: [['engine/front.ts', 'else if (!(error instanceof NotInCharge)) throw error', 'else throw error']],
    breaks: [UNSTRUCK],
    from: 228,
  },
]

const root = fileURLToPath(new URL('..', import.meta.url))
const needed = [
  'src',
  'db',
  'test/simulation',
  'test/support',
  'scripts/soak.ts',
  'scripts/hammer',
  'package.json',
  'tsconfig.json',
]
/** A mutant that lives for so many seconds has passed. */
const SECONDS = 60

/** Copies that no mutant is in. They are used again: what has not changed in one is not compiled again. */
const copies: string[] = []
const all: string[] = []
t.teardown(() => {
  for (const folder of all) rmSync(folder, { recursive: true, force: true })
})

function newCopy(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'clearing-mutant-'))
  all.push(folder)
  mkdirSync(path.join(folder, 'test'))
  for (const part of needed) cpSync(path.join(root, part), path.join(folder, part), { recursive: true })
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'))
  return folder
}

/** Runs the simulation on a copy with these changes; what it prints, and whether it found something. */
async function soak(
  changes: Mutant['changes'],
  seconds: number,
  from = 1,
): Promise<{ isFound: boolean; printed: string }> {
  const folder = copies.pop() ?? newCopy()
  for (const [file, sound, broken] of changes) {
    const at = path.join(folder, 'src', file)
    const pieces = readFileSync(at, 'utf8').split(sound)
    if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} of: ${sound}`)
    writeFileSync(at, pieces.join(broken))
  }
  try {
    return await new Promise((resolve) => {
      const limits = ['--seconds', String(seconds), '--seed', String(from), '--unshrunk']
      const args = ['--import', 'tsx', 'scripts/soak.ts', ...limits]
      execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
        resolve({ isFound: error !== null, printed: stdout + stderr }),
      )
    })
  } finally {
    for (const [file] of changes) cpSync(path.join(root, 'src', file), path.join(folder, 'src', file))
    copies.push(folder)
  }
}

t.test('the engine as it is passes', async (t) => {
  const { isFound, printed } = await soak([], 5)
  t.notOk(isFound, printed.slice(0, 2000))
})

t.test('every mutant is found, for the right reason', { jobs: 2 }, async (t) => {
  for (const { name, changes, breaks, from } of mutants) {
    t.test(name, async (t) => {
      const { isFound, printed } = await soak(changes, SECONDS, from)
      const said = /breaks a promise: (.*)\.\n/.exec(printed)?.[1]
      t.ok(isFound && breaks.includes(said ?? ''), `seen as: ${said ?? printed.slice(-500)}`)
    })
  }
})
