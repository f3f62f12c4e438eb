import { clearingId } from '../clearing/facts.js'
import { type Fen, yuan } from '../core/money.js'
import type { Day } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import { exposure, type Gross } from './rules.js'

/** What the provinces owe each other of a group's items up to a day that nobody has closed, and how far it was looked. */
export async function openGross(
  sql: Sql,
  group: string,
  through: Day,
): Promise<{ reaches: Record<string, number>; gross: Gross[] }> {
  interface Line {
    readonly from: number
    readonly to: number
    readonly agreement: number | null
    readonly amount: string
    readonly items: number
  }
  // One statement: the sums are those of exactly these numbers.
  const [found] = await sql<{ reaches: Record<string, number>; gross: Line[] }[]>`
    select (select coalesce(jsonb_object_agg(b.book::text, b.seq), '{}') from books b where b.book <> 0 and b.seq > 0)
             as reaches,
           (select coalesce(json_agg(s order by s."from", s."to", s.agreement nulls first), '[]') from (
              select book / 10000 * 10000 as "from", payee_province as "to", agreement, sum(amount)::text as amount,
                     count(*)::int as items
              from open_items(${group}, ${through}) group by 1, 2, 3) s) as gross`
  const gross = found!.gross.map(({ from, to, amount, ...rest }) => ({
    from: String(from),
    to: String(to),
    amount: BigInt(amount),
    ...rest,
  }))
  return { reaches: found!.reaches, gross }
}

/** After the last day of any item. */
const EVER = '2999-12-31'

/** What each agreement to net comes to of what is not closed, and how that stands to its cap; by pair. */
export async function exposures(sql: Sql, today: Day) {
  const agreements = await sql<
    { one: number; other: number; number: bigint; group: string; cap: Fen | null; running: boolean }[]
  >`
    select one, other, agreement as number, group_name as "group", cap, least(valid_to, ended) >= ${today}::date as running
    from clearing_agreements where mode = 'netted' and cardinality(signed) = 2 order by one, other, agreement`
  const groups = [...new Set(agreements.map(({ group }) => group))]
  const open = (await Promise.all(groups.map((group) => openGross(sql, group, EVER)))).flatMap(({ gross }) => gross)
  return agreements.flatMap(({ one, other, number, group, cap, running }) => {
    const lines = open.filter(({ agreement }) => agreement === Number(number))
    if (!running && lines.length === 0) return []
    const net = lines.reduce((sum, { from, amount }) => (Number(from) === one ? sum + amount : sum - amount), 0n)
    return [
      {
        agreement: clearingId({ one, other }, Number(number)),
        one: String(one),
        other: String(other),
        group,
        net: yuan(net),
        items: lines.reduce((sum, { items }) => sum + items, 0),
        cap: cap === null ? null : yuan(cap),
        ...exposure(net, cap),
      },
    ]
  })
}
