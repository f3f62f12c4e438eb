/** A figure of a table that is to be published. */
export interface Cell {
  readonly key: string
  readonly value: bigint
  /** Small enough to be about somebody in particular. */
  readonly isSmall: boolean
}

/** One cell is the sum of others. */
export interface Sum {
  readonly whole: string
  readonly parts: readonly string[]
}

/**
 * Which cells must not be published: the small ones, and as many others as it takes that none of them follows from what
 * is published by adding and subtracting, however many sums are taken together. The least figures go first.
 */
export function suppressed(cells: readonly Cell[], sums: readonly Sum[]): ReadonlySet<string> {
  const hidden = new Set(cells.filter(({ isSmall }) => isSmall).map(({ key }) => key))
  const sizes = new Map(cells.map(({ key, value }) => [key, value < 0n ? -value : value]))
  for (;;) {
    const known = derivable(hidden, sums)
    if (known === undefined) return hidden
    const open = (list: readonly Sum[]) =>
      list.flatMap(({ whole, parts }) => [whole, ...parts]).filter((key) => !hidden.has(key))
    const near = open(sums.filter(({ whole, parts }) => whole === known || parts.includes(known)))
    // Where everything beside it is hidden already, it follows from sums further away.
    const beside = near.length > 0 ? near : open(sums)
    if (beside.length === 0) return hidden
    // Hiding a zero says least; only where there is nothing else.
    const rank = (key: string) => (sizes.get(key) === 0n ? 1 : 0)
    const [least] = beside.sort((a, b) => {
      const [x, y] = [sizes.get(a)!, sizes.get(b)!]
      return rank(a) - rank(b) || (x < y ? -1 : x > y ? 1 : a < b ? -1 : 1)
    })
    hidden.add(least!)
  }
}

/** A hidden cell that follows from the others; found by elimination over the sums, in whole numbers. */
export function derivable(hidden: ReadonlySet<string>, sums: readonly Sum[]): string | undefined {
  const names = [...hidden].sort()
  const rows = sums.map(({ whole, parts }) =>
    names.map((name) => (name === whole ? 1n : 0n) - BigInt(parts.filter((part) => part === name).length)),
  )
  let done = 0
  for (let column = 0; column < names.length && done < rows.length; column++) {
    const found = rows.findIndex((row, n) => n >= done && row[column] !== 0n)
    if (found < 0) continue
    ;[rows[done], rows[found]] = [rows[found]!, rows[done]!]
    const pivot = rows[done]!
    for (const [n, row] of rows.entries()) {
      if (n === done || row[column] === 0n) continue
      rows[n] = reduced(row.map((value, c) => value * pivot[column]! - pivot[c]! * row[column]!))
    }
    done++
  }
  for (const row of rows) {
    const unknown = row.flatMap((value, n) => (value === 0n ? [] : [n]))
    if (unknown.length === 1) return names[unknown[0]!]
  }
  return undefined
}

function reduced(row: bigint[]): bigint[] {
  const divisor = row.reduce((a, b) => gcd(a, b), 0n)
  return divisor > 1n ? row.map((value) => value / divisor) : row
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b]
  while (y > 0n) [x, y] = [y, x % y]
  return x
}
