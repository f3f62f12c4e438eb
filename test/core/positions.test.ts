import fc from 'fast-check'
import t from 'tap'
import { type Province, provinces } from '../../src/core/division.js'
import { clear, type GrossItem, type Instruction, netPositions } from '../../src/core/positions.js'

const [SH, JS, ZJ, AH] = provinces
const nets = (sh: bigint, js: bigint, zj: bigint, ah: bigint) =>
  new Map<Province, bigint>([
    [SH, sh],
    [JS, js],
    [ZJ, zj],
    [AH, ah],
  ])

const province = fc.constantFrom(...provinces)
const fen = fc.oneof(fc.bigInt(-5n, 5n), fc.bigInt(-(10n ** 15n), 10n ** 15n))
const items: fc.Arbitrary<GrossItem[]> = fc.array(fc.record({ from: province, to: province, amount: fen }))
const balanced = fc.tuple(fen, fen, fen).map(([a, b, c]) => nets(a, b, c, -a - b - c))

t.test('net positions', async (t) => {
  t.test('what the others owe a province less what it owes the others', async (t) => {
    t.same(netPositions([]), nets(0n, 0n, 0n, 0n), 'all four, also without items')
    t.same(
      netPositions([
        { from: SH, to: JS, amount: 700n }, // Shanghai's vouchers, spent in Jiangsu
        { from: JS, to: SH, amount: 200n },
        { from: JS, to: JS, amount: 9_999n }, // local money stays out
        { from: ZJ, to: JS, amount: -50n }, // more clawed back than approved
        { from: SH, to: AH, amount: 1n },
      ]),
      nets(-501n, 450n, 50n, 1n),
    )
    t.same([...netPositions([]).keys()], [...provinces])
  })

  t.test('only provinces settle', async (t) => {
    for (const wrong of ['110000', '320500', '']) {
      t.throws(() => netPositions([{ from: wrong, to: SH, amount: 1n }]), RangeError, wrong)
      t.throws(() => netPositions([{ from: SH, to: wrong, amount: 1n }]), RangeError, wrong)
      t.throws(() => netPositions([{ from: wrong, to: wrong, amount: 1n }]), RangeError, wrong)
    }
  })

  t.test('sum to zero, whatever the items, their order and how they are split', async () => {
    fc.assert(
      fc.property(items, items, (some, more) => {
        const one = netPositions(some)
        const other = netPositions(more)
        const all = netPositions([...more, ...some].reverse())
        const sum = [...all.values()].reduce((sum, net) => sum + net, 0n)
        return sum === 0n && provinces.every((p) => all.get(p) === one.get(p)! + other.get(p)!)
      }),
    )
  })

  t.test('local items never change them', async () => {
    fc.assert(
      fc.property(items, (some) => {
        const across = netPositions(some.filter(({ from, to }) => from !== to))
        return provinces.every((p) => netPositions(some).get(p) === across.get(p))
      }),
    )
  })
})

t.test('instructions', async (t) => {
  t.test('largest debtor to largest creditor, ties to the lower code', async (t) => {
    const table: [title: string, Map<Province, bigint>, Instruction[]][] = [
      ['nothing to do', nets(0n, 0n, 0n, 0n), []],
      ['one pair', nets(0n, -7n, 0n, 7n), [{ from: JS, to: AH, amount: 7n }]],
      [
        'one pays three, largest first',
        nets(-60n, 10n, 30n, 20n),
        [
          { from: SH, to: ZJ, amount: 30n },
          { from: SH, to: AH, amount: 20n },
          { from: SH, to: JS, amount: 10n },
        ],
      ],
      [
        'equal debtors, equal creditors',
        nets(5n, -5n, 5n, -5n),
        [
          { from: JS, to: SH, amount: 5n },
          { from: AH, to: ZJ, amount: 5n },
        ],
      ],
      [
        'after a payment another is the largest',
        nets(-100n, -90n, 150n, 40n),
        [
          { from: SH, to: ZJ, amount: 100n },
          { from: JS, to: ZJ, amount: 50n },
          { from: JS, to: AH, amount: 40n },
        ],
      ],
      [
        'a remainder ties with another creditor',
        nets(-10n, -20n, 15n, 15n),
        [
          { from: JS, to: ZJ, amount: 15n },
          { from: SH, to: AH, amount: 10n },
          { from: JS, to: AH, amount: 5n },
        ],
      ],
    ]
    for (const [title, positions, expected] of table) {
      t.same(clear(positions), expected, title)
      t.same(clear(new Map([...positions].reverse())), expected, `${title}, in any order of the map`)
    }
  })

  t.test('nets that do not add up are refused loudly', async (t) => {
    t.throws(() => clear(nets(1n, 0n, 0n, 0n)), RangeError)
    t.throws(() => clear(new Map([[SH, -1n]])), RangeError)
    t.same(clear(new Map()), [])
  })

  t.test(
    'clear every position in at most one payment fewer than provinces, and nobody both pays and receives',
    async () => {
      fc.assert(
        fc.property(balanced, (positions) => {
          const before = new Map(positions)
          const instructions = clear(positions)
          const open = new Map(positions)
          for (const { from, to, amount } of instructions) {
            if (amount <= 0n) return false
            open.set(from, open.get(from)! + amount)
            open.set(to, open.get(to)! - amount)
          }
          const payers = new Set(instructions.map(({ from }) => from))
          const involved = [...positions.values()].filter((net) => net !== 0n).length
          return (
            [...open.values()].every((net) => net === 0n) &&
            instructions.length <= Math.max(0, involved - 1) &&
            instructions.every(({ to }) => !payers.has(to)) &&
            provinces.every((p) => positions.get(p) === before.get(p)) // the argument is left as it was
          )
        }),
        { numRuns: 500 },
      )
    },
  )

  t.test('every instruction is the one the rule names at that point', async () => {
    fc.assert(
      fc.property(items, (gross) => {
        const open = netPositions(gross)
        return clear(open).every(({ from, to, amount }) => {
          const sorted = [...open.values()].sort((a, b) => Number(a - b))
          const [smallest, largest] = [sorted.at(0)!, sorted.at(-1)!]
          const sizes = [-smallest, largest].sort((a, b) => Number(a - b))
          const named =
            from === provinces.find((p) => open.get(p) === smallest) &&
            to === provinces.find((p) => open.get(p) === largest) &&
            amount === sizes[0]
          open.set(from, open.get(from)! + amount)
          open.set(to, open.get(to)! - amount)
          return named
        })
      }),
      { numRuns: 500 },
    )
  })
})
