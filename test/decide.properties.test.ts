import fc from 'fast-check'
import t from 'tap'
import { isRefusal } from '../src/core/refusals.js'
import { addDays, dayOf } from '../src/core/time.js'
import { openOf } from '../src/ledger/accounts.js'
import { capture, release } from '../src/ledger/entry.js'
import { idOf, orders } from '../src/orders/facts.js'
import { grants } from '../src/vouchers/facts.js'
import { whatIsOff } from './support/books.js'
import { Cast, enterprises, histories, type Move, opening, programs } from './support/history.js'
import { Memory } from './support/memory.js'
import { ask, uscc } from './support/scene.js'
import { china } from './support/service.js'

const START = china('2026-03-02')
const DAY = 86_400_000

/** Plays a history from the opening on; `step` sees every command with what it came to. */
async function play(
  moves: readonly Move[],
  step: (memory: Memory, ...asked: Parameters<Memory['run']>) => Promise<unknown> = (memory, ...asked) =>
    memory.run(...asked),
): Promise<Memory> {
  const memory = new Memory()
  const cast = new Cast()
  let now = START
  for (const asked of opening) await memory.run(asked, now)
  for (const move of moves) {
    now += move.do === 'pass' ? move.days * DAY : 1000
    const asked = move.do === 'pass' ? undefined : cast.command(move, dayOf(now))
    if (!asked) continue
    const outcome = await step(memory, asked, now)
    if (outcome) cast.learn(asked, outcome as Awaited<ReturnType<Memory['run']>>)
  }
  return memory
}

const check = (most: number, numRuns: number, test: (moves: Move[]) => Promise<void>) =>
  fc.assert(fc.asyncProperty(histories(most), test), { numRuns, interruptAfterTimeLimit: 15_000 })

t.test('on any history', async (t) => {
  t.test('money is conserved, nothing falls below zero, holds equal open orders, keys are held once', async () => {
    const seen = new Map<string, number>()
    await check(250, 120, async (moves) => {
      const memory = await play(moves, async (memory, asked, at) => {
        const outcome = await memory.run(asked, at)
        const what = isRefusal(outcome) ? outcome.refused : asked.type.kind
        seen.set(what, (seen.get(what) ?? 0) + 1)
        return outcome
      })
      const off = whatIsOff(memory)
      if (off) throw new Error(off)
    })
    // A generator that never gets to the interesting places would prove nothing.
    const reached = ['approve_claim', 'claw_back', 'contract_duplicate', 'invoice_duplicate', 'state_conflict']
    const refused = ['pool_insufficient', 'insufficient_balance', 'integrity_listed', 'separation_of_duties']
    for (const what of [...reached, ...refused, 'annual_cap_exceeded', 'voucher_expired', 'amount_exceeds_hold']) {
      t.ok((seen.get(what) ?? 0) > 0, `${what} was reached`)
    }
  })

  t.test('and after every single command of it', async () => {
    await check(80, 20, async (moves) => {
      await play(moves, async (memory, asked, at) => {
        const outcome = await memory.run(asked, at)
        const off = whatIsOff(memory)
        if (off) throw new Error(`${off} after ${asked.type.kind}`)
        return outcome
      })
    })
  })

  t.test('a refused command changes nothing but what was overdue before it', async () => {
    await check(150, 40, async (moves) => {
      await play(moves, async (memory, asked, at) => {
        const before = memory.snapshot()
        const outcome = await memory.run(asked, at)
        if (!isRefusal(outcome)) return outcome
        const lapses = memory.log.slice(before.log)
        if (lapses.some(({ kind }) => !kind.startsWith('lapse_'))) throw new Error('a refusal booked something')
        if (lapses.length === 0 && !memory.isAt(before)) throw new Error('a refusal changed something')
        const after = memory.snapshot()
        const again = await memory.run(asked, at)
        if (!isRefusal(again) || again.refused !== outcome.refused) throw new Error('asked again it is answered anew')
        if (!memory.isAt(after)) throw new Error('asked again it changed something')
        return outcome
      })
    })
  })

  t.test('a group of which one command is refused changes nothing at all', async () => {
    const nobody = ask.deliver('O320509-999999', uscc(11))
    await check(100, 40, async (moves) => {
      await play(moves, async (memory, asked, at) => {
        const before = memory.snapshot()
        const outcome = await memory.runTogether([asked, nobody], asked.actor, at)
        if (!isRefusal(outcome)) throw new Error('an order that is not there was delivered')
        if (!memory.isAt(before)) throw new Error('half a group was booked')
        return memory.run(asked, at)
      })
    })
  })

  t.test('settling takes every item once, and leaves every position at zero when it is paid', async () => {
    await check(150, 40, async (moves) => {
      const memory = await play(moves)
      const items = memory.log.filter(({ kind }) => kind === 'approve_claim' || kind === 'claw_back')
      let now = Math.max(START, ...memory.log.map(({ booking }) => booking.moment)) + 2 * DAY
      const half = dayOf(Math.floor((START + now) / 2))
      const payable = sumOf(memory, 'payable') - sumOf(memory, 'recoverable')
      for (const [period, through] of [
        ['P1', half],
        ['P2', addDays(dayOf(now), -1)],
        ['P3', addDays(dayOf(now), -1)],
      ] as const) {
        const closed = await memory.closePeriod(period, through, now++)
        if (isRefusal(closed)) throw new Error(closed.refused)
      }
      for (const period of ['P2', 'P1', 'P3']) {
        const confirmed = await memory.confirmPayments(period, now++)
        if (isRefusal(confirmed)) throw new Error(confirmed.refused)
        const again = await memory.confirmPayments(period, now++)
        if (!isRefusal(again) || again.refused !== 'state_conflict') throw new Error('a period was paid twice')
      }
      const off = whatIsOff(memory)
      if (off) throw new Error(off)
      if (memory.accounts().some(({ kind, posted }) => kind === 'position' && posted !== 0n))
        throw new Error('position')
      if (sumOf(memory, 'treasury') !== payable) throw new Error('paid is not what was payable')
      if (sumOf(memory, 'payable') !== sumOf(memory, 'recoverable')) throw new Error('something is left to pay')
      const paid = memory.rows(orders).filter(({ state }) => state === 'paid').length
      if (paid !== items.filter(({ kind }) => kind === 'approve_claim').length) throw new Error('an order is not paid')
    })
  })
})

const sumOf = (memory: Memory, kind: string) =>
  memory.accounts().reduce((sum, account) => sum + (account.kind === kind ? account.posted : 0n), 0n)

t.test('caps hold for the sum, not for each command by itself', async () => {
  const amounts = fc.array(fc.bigInt(1n, 700_00n), { minLength: 2, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(amounts, amounts, async (issues, files) => {
      const memory = new Memory()
      for (const asked of opening) await memory.run(asked, START)
      const [{ program, jurisdiction, annualCap }] = programs
      await memory.run(ask.appropriate(jurisdiction, program, annualCap), START)
      const vouchers: { id: string; amount: bigint }[] = []
      let granted = 0n
      for (const amount of issues) {
        const outcome = await memory.run(ask.issue(jurisdiction, program, enterprises[0]!, amount), START)
        const fits = granted + amount <= annualCap
        if (isRefusal(outcome) === fits) throw new Error(`${amount} after ${granted} of ${annualCap}`)
        if (isRefusal(outcome)) continue
        granted += amount
        vouchers.push({ id: outcome.event.voucher as string, amount })
      }
      if ((memory.rows(grants)[0]?.granted ?? 0n) !== granted) throw new Error('granted is not the sum')
      const [first] = vouchers
      let left = first?.amount ?? 0n
      for (const [n, voucherAmount] of files.entries()) {
        if (!first) return
        const contract = { contractNo: `C-${n}`, contractAmount: 10_000_00n, voucherAmount }
        const outcome = await memory.run(ask.file(first.id, enterprises[0]!, uscc(11), contract), START)
        if (isRefusal(outcome) === voucherAmount <= left) throw new Error(`${voucherAmount} of ${left}`)
        if (!isRefusal(outcome)) left -= voucherAmount
      }
    }),
    { numRuns: 60 },
  )
})

t.test('a hold', async (t) => {
  const leg = {
    type: 'redeem',
    debit: { kind: 'voucher', owner: 'V' },
    credit: { kind: 'payable', owner: 'P' },
  } as const
  const amounts = fc.array(fc.bigInt(1n, 1000n), { minLength: 1, maxLength: 4 })

  t.test('captured in part and released for the rest adds up to itself, leg by leg', async () => {
    fc.assert(
      fc.property(amounts, fc.nat(), (legs, cut) => {
        const made = legs.map((amount, n) => ({ ...leg, leg: n + 1, amount, open: amount }))
        const held = { book: 320509, hold: 7, legs: made }
        const open = openOf(held)
        const amount = (BigInt(cut) % open) + 1n
        const lines = capture(held, amount)
        const sum = (phase: string, of = (_: number) => true) =>
          lines.reduce((s, l) => s + (l.phase === phase && of(l.hold!.leg) ? l.amount : 0n), 0n)
        const wholeLegs = made.every(
          (l) => sum('capture', (n) => n === l.leg) + sum('release', (n) => n === l.leg) === l.amount,
        )
        const given = release(held).reduce((s, l) => s + (l.phase === 'release' ? l.amount : 0n), 0n)
        return sum('capture') === amount && sum('release') === open - amount && wholeLegs && given === open
      }),
    )
  })

  t.test('cannot be captured beyond itself, for nothing, or for less than nothing', async (t) => {
    const held = { book: 320509, hold: 7, legs: [{ ...leg, leg: 1, amount: 5n, open: 5n }] }
    for (const amount of [6n, 0n, -1n]) t.throws(() => capture(held, amount), String(amount))
  })

  t.test('that was captured or released cannot be captured or released again', async (t) => {
    for (const first of ['capture', 'release'] as const) {
      for (const second of ['capture', 'release'] as const) {
        const memory = new Memory()
        for (const asked of opening) await memory.run(asked, START)
        const issued = await memory.run(ask.issue('320509', 'WJ', enterprises[0]!, 300_00n), START)
        if (isRefusal(issued)) return t.fail(issued.refused)
        await memory.run(
          ask.file(issued.event.voucher as string, enterprises[0]!, uscc(11), { contractNo: 'C' }),
          START,
        )
        const [held] = memory.holds()
        const lines = { capture: () => capture(held!, openOf(held!)), release: () => release(held!) }
        const plan = (which: typeof first) => ({ book: 320509, entry: lines[which](), event: {} })
        memory.world.apply(plan(first), START)
        t.throws(() => memory.world.apply(plan(second), START), `${first}, then ${second}`)
        t.equal(openOf(memory.holds()[0]!), 0n)
      }
    }
  })
})

t.test('an order that was overdue is lapsed, whichever command touches it first', async (t) => {
  const lapsing = ['deliver', 'confirm', 'cancel', 'submit', 'giveBack', 'verify', 'approve', 'reject'] as const
  for (const action of lapsing) {
    const memory = new Memory()
    for (const asked of opening) await memory.run(asked, START)
    const issued = await memory.run(ask.issue('320509', 'WJ', enterprises[0]!, 300_00n), START)
    if (isRefusal(issued)) return t.fail(issued.refused)
    const voucher = issued.event.voucher as string
    await memory.run(ask.file(voucher, enterprises[0]!, uscc(11), { contractNo: 'C' }), START)
    const order = idOf(memory.rows(orders)[0]!)
    const late = START + 21 * DAY
    const asked = {
      deliver: ask.deliver(order, uscc(11)),
      confirm: ask.confirm(order, enterprises[0]!),
      cancel: ask.cancel(order, enterprises[0]!),
      submit: ask.submit(order, uscc(11), 1),
      giveBack: ask.giveBack(order),
      verify: ask.verify(order),
      approve: ask.approve(order),
      reject: ask.reject(order),
    }[action]
    const outcome = await memory.run(asked, late)
    t.match(outcome, { refused: 'state_conflict', details: { state: 'lapsed' } }, action)
    t.equal(memory.rows(orders)[0]!.state, 'lapsed')
    t.equal(memory.balance(320509, { kind: 'voucher', owner: voucher }).held, 0n)
  }
})
