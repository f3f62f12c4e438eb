import { type Fen, yuan } from '../core/money.js'
import type { GrossItem } from '../core/positions.js'
import type { exposureLevels } from './contract.js'
import type { GrossLine } from './facts.js'

/** What provinces owe each other by one agreement, with how many items it comes of. */
export interface Gross extends GrossItem {
  readonly agreement: number | null
  readonly items: number
}

/** From how many percent of a cap on there is a warning 预警. */
const WARNING = 80n

/** How a net stands to its cap: the percent of it, rounded down, and what that means. */
export function exposure(
  net: Fen,
  cap: Fen | null,
): { readonly share: number | null; readonly level: (typeof exposureLevels)[number] } {
  if (cap === null) return { share: null, level: 'within' }
  const size = net < 0n ? -net : net
  const share = Number((size * 100n) / cap)
  if (size > cap) return { share, level: 'exceeded' }
  return { share, level: size * 100n >= cap * WARNING ? 'warning' : 'within' }
}

export const grossLine = ({ from, to, agreement, amount, items }: Gross): GrossLine => ({
  from,
  to,
  agreement,
  amount: yuan(amount),
  items,
})

const nameOf = ({ from, to, agreement }: Pick<Gross, 'from' | 'to' | 'agreement'>) => `${from} ${to} ${agreement ?? ''}`

/** What is more, and what less, than before: by provinces and agreement, in their order. */
export function differences(before: readonly Gross[], now: readonly Gross[]): Gross[] {
  const found = new Map<string, Gross>()
  const add = ({ amount, items, ...of }: Gross, sign: 1 | -1) => {
    const name = nameOf(of)
    const known = found.get(name)
    found.set(name, {
      ...of,
      amount: (known?.amount ?? 0n) + BigInt(sign) * amount,
      items: (known?.items ?? 0) + sign * items,
    })
  }
  for (const one of now) add(one, 1)
  for (const one of before) add(one, -1)
  return [...found]
    .filter(([, { amount, items }]) => amount !== 0n || items !== 0)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, one]) => one)
}
