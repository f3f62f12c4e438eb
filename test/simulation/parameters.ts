/**
 * Reads the text parameters of clearing.record, as PostgreSQL would: in the order and with the names of
 * db/functions/record.sql, so that what the engine writes down is part of what is simulated.
 */

type Read = {
  /** A whole number that JavaScript counts exactly. */
  number: number
  /** Fen. */
  bigint: bigint
  /** A text, quoted where it must be. */
  text: string
  /** What is taken as it is written: a uuid, a kind's name, a number of 64 bits that nobody counts with. */
  word: string
}
type Kind = keyof Read

/** The columns of each group; `?` says that nothing may stand there. */
const groups = {
  p: { book: 'number', seq: 'number', batch: 'number', moment: 'number' },
  h: { seq: 'number?', entries: 'number?', accounts: 'number?', moment: 'number?', batch: 'number?' },
  g: { book: 'number?' },
  r: { group: 'number', book: 'number' },
  i: { group: 'number', key: 'word', fingerprint: 'word', moment: 'number', refusal: 'json' },
  k: { key: 'text', book: 'number', holder: 'text?', seen: 'number?' },
  c: {
    book: 'number',
    seq: 'number',
    entry: 'number?',
    kind: 'word',
    day: 'number',
    moment: 'number',
    actor: 'number',
    key: 'word?',
    fingerprint: 'word?',
    changes: 'text?',
    body: 'json',
    event: 'json',
    rests: 'json',
  },
  b: { book: 'number', account: 'number', kind: 'number', posted: 'bigint', held: 'bigint' },
  a: { owner: 'text', province: 'number?' },
  t: {
    command: 'number',
    line: 'number',
    type: 'number',
    phase: 'number',
    debit: 'number',
    credit: 'number',
    hold: 'number?',
    leg: 'number?',
    amount: 'bigint',
  },
  n: {
    book: 'number',
    hold: 'number',
    leg: 'number',
    type: 'number',
    debit: 'number',
    credit: 'number',
    amount: 'bigint',
    open: 'bigint',
  },
  o: { book: 'number', hold: 'number', leg: 'number', open: 'bigint' },
} as const

type ValueOf<T> = T extends 'json' ? unknown : T extends `${infer K extends Kind}?` ? Read[K] | null : Read[T & Kind]
type Groups = typeof groups

/** What one call of clearing.record was given, column by column. */
export type Given = {
  readonly [G in keyof Groups]: { readonly [C in keyof Groups[G]]: ValueOf<Groups[G][C]>[] }
} & { readonly rows: Readonly<Record<string, readonly Record<string, unknown>[]>> }

const layout = Object.entries(groups).map(([group, of]) => [group, Object.entries(of) as [string, string][]] as const)

/** Every parameter but the last one, in order. */
export const columns = layout.flatMap(([group, of]) => of.map(([name, kind]) => ({ group, name, kind })))

export function read(parameters: readonly string[]): Given {
  const given: Record<string, unknown> = {}
  let at = 0
  for (const [group, of] of layout) {
    const values: Record<string, unknown> = {}
    for (const [name, kind] of of) values[name] = readColumn(kind, parameters[at++]!)
    given[group] = values
  }
  given.rows = JSON.parse(parameters[at]!)
  return given as Given
}

function readColumn(kind: string, text: string): unknown[] {
  if (text === '{}' || text === '[]') return []
  if (kind === 'json') return JSON.parse(text)
  if (kind.startsWith('text')) return readTexts(text)
  if (kind.startsWith('number')) return JSON.parse(`[${text.slice(1, -1).replaceAll('NULL', 'null')}]`)
  const of = kind.startsWith('bigint') ? BigInt : String
  return text
    .slice(1, -1)
    .split(',')
    .map((word) => (word === 'NULL' ? null : of(word)))
}

/** `{"a, b","say \"c\"",NULL}` */
function readTexts(text: string): (string | null)[] {
  const found = text.matchAll(/"((?:[^"\\]|\\.)*)"|NULL/gs)
  return [...found].map(([, quoted]) => (quoted === undefined ? null : quoted.replace(/\\(.)/gs, '$1')))
}
