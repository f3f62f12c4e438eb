import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'
import { isRefusal, type Refusal } from '../src/core/refusals.js'
import { lapseVoucherCommand } from '../src/deadlines/commands.js'
import { type CommandType, command } from '../src/engine/command.js'
import { KEY_KEPT_DAYS, type Receipt } from '../src/engine/idempotency.js'
import type { Asked } from '../src/engine/runner.js'
import { EngineFault, type Outcome } from '../src/engine/ticket.js'
import { row } from '../src/ledger/plan.js'
import { closePeriod, confirmPayments } from '../src/settlement/settle.js'
import { vouchers } from '../src/vouchers/facts.js'
import { connectAdmin, type RunningEngine, runEngine } from './support/engines.js'
import { Cast, histories, type Move, opening } from './support/history.js'
import { type Lab, START, withLab } from './support/lab.js'
import { Memory } from './support/memory.js'
import { proveLedger, proveRows } from './support/replay.js'
import { ask, bureau, firm, uscc } from './support/scene.js'
import { china, testDatabase } from './support/service.js'
import { type Place, Stage } from './support/stage.js'

const DAY = 86_400_000

const codeOf = (outcome: Outcome) => (isRefusal(outcome) ? outcome.refused : 'accepted')
const settled = <T>(promises: readonly Promise<T>[]) => Promise.allSettled(promises)

withLab(t, 'the fence: what another engine does between facts and record is never overlooked', async (t, lab) => {
  const a = lab.engine()
  const b = lab.engine()
  const stage = new Stage(a.engine)
  const other = new Stage(b.engine)

  interface Case {
    readonly asked: Asked
    /** What the other engine does meanwhile. */
    readonly meanwhile: () => Promise<unknown>
    readonly expected: string
    readonly isStaleOnly?: boolean
  }
  const file = ({ enterprise, provider }: Place, voucher: string, contractNo = 'C', voucherAmount = 100_00n) =>
    ask.file(voucher, enterprise, provider, { contractNo, voucherAmount })

  const cases: Record<string, () => Promise<Case>> = {
    'suspends the recognition': async () => {
      const place = await stage.place()
      const voucher = await stage.voucher(place)
      return {
        asked: file(place, voucher),
        meanwhile: () => other.must(ask.suspend(place.jurisdiction, place.provider)),
        expected: 'provider_not_recognised',
      }
    },
    'recognises the provider again': async () => {
      const place = await stage.place()
      const voucher = await stage.voucher(place)
      await stage.must(ask.suspend(place.jurisdiction, place.provider))
      return {
        asked: file(place, voucher),
        meanwhile: () => other.must(ask.recognise(place.jurisdiction, place.provider)),
        expected: 'accepted',
      }
    },
    'returns the claim': async () => {
      const order = await stage.order(await stage.place(), 'verified')
      return {
        asked: ask.approve(order),
        meanwhile: () => other.must(ask.giveBack(order)),
        expected: 'state_conflict',
      }
    },
    'approves the claim itself': async () => {
      const order = await stage.order(await stage.place(), 'verified')
      return { asked: ask.approve(order), meanwhile: () => other.must(ask.approve(order)), expected: 'state_conflict' }
    },
    'verifies the claim': async () => {
      const order = await stage.order(await stage.place(), 'submitted')
      return { asked: ask.approve(order), meanwhile: () => other.must(ask.verify(order)), expected: 'accepted' }
    },
    'has it verified again by who now approves it': async () => {
      const place = await stage.place()
      const order = await stage.order(place, 'verified')
      const meanwhile = async () => {
        await other.must(ask.giveBack(order))
        await other.must(ask.submit(order, place.provider, Number(place.program.slice(2)) + 90_000))
        await other.must(ask.verify(order, 'Li'))
      }
      return { asked: ask.approve(order, null, 'Li'), meanwhile, expected: 'separation_of_duties' }
    },
    'brings an order as far as that, on a voucher that A knows without it': async () => {
      const place = await stage.place()
      const voucher = await stage.voucher(place)
      const number = Number(place.program.slice(2)) + 70_000
      let order = 'O320509-1'
      const meanwhile = async () => {
        order = await other.order(place, 'verified', { voucher, invoice: number })
        asked.command = { order, amount: null }
      }
      const asked = { ...ask.approve(order) }
      // In the window A looks for an order that is not there yet: only the old facts make sense here.
      return { asked, meanwhile, expected: 'accepted', isStaleOnly: true }
    },
    'lists the payee': async () => {
      const place = await stage.place()
      const order = await stage.order(place, 'verified')
      return {
        asked: ask.approve(order),
        meanwhile: () => other.must(ask.list(place.provider, '2026-01-01')),
        expected: 'integrity_listed',
      }
    },
    'lists the enterprise': async () => {
      const place = await stage.place()
      return {
        asked: ask.issue(place.jurisdiction, place.program, place.enterprise, 100n),
        meanwhile: () => other.must(ask.list(place.enterprise, '2026-01-01')),
        expected: 'integrity_listed',
      }
    },
    'drains the voucher': async () => {
      const place = await stage.place()
      const voucher = await stage.voucher(place, 100_00n)
      return {
        asked: file(place, voucher, 'C-1'),
        meanwhile: () => other.must(file(place, voucher, 'C-2', 1n)),
        expected: 'insufficient_balance',
      }
    },
    'frees the voucher': async () => {
      const place = await stage.place()
      const voucher = await stage.voucher(place, 100_00n)
      const order = await stage.order(place, 'filed', { voucher })
      return {
        asked: file(place, voucher),
        meanwhile: () => other.must(ask.cancel(order, place.enterprise)),
        expected: 'accepted',
      }
    },
    'drains the pool': async () => {
      const place = await stage.place({}, {}, 100_00n)
      const issue = (amount: bigint) => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
      return { asked: issue(100_00n), meanwhile: () => other.must(issue(1n)), expected: 'pool_insufficient' }
    },
    'fills the pool': async () => {
      const { jurisdiction, program, enterprise } = await stage.place({}, {}, 1n)
      return {
        asked: ask.issue(jurisdiction, program, enterprise, 100_00n),
        meanwhile: () => other.must(ask.appropriate(jurisdiction, program, 99_99n)),
        expected: 'accepted',
      }
    },
    'uses up the annual cap': async () => {
      const place = await stage.place({ annualCap: 100_00n })
      const issue = (amount: bigint) => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
      return { asked: issue(100_00n), meanwhile: () => other.must(issue(1n)), expected: 'annual_cap_exceeded' }
    },
    'files the same contract in another province': async () => {
      const place = await stage.place()
      const abroad = await stage.place({ jurisdiction: '330000' }, { provider: place.provider })
      const [voucher, elsewhere] = [await stage.voucher(place), await stage.voucher(abroad)]
      return {
        asked: file(place, voucher),
        meanwhile: () => other.must(file(abroad, elsewhere)),
        expected: 'contract_duplicate',
      }
    },
    'cancels the order that had the contract number, in another province': async () => {
      const place = await stage.place()
      const abroad = await stage.place({ jurisdiction: '330000' }, { provider: place.provider })
      const voucher = await stage.voucher(place)
      const order = await stage.order(abroad, 'filed', { contractNo: 'C' })
      return {
        asked: file(place, voucher),
        meanwhile: () => other.must(ask.cancel(order, abroad.enterprise)),
        expected: 'accepted',
      }
    },
    'uses the invoice in another province': async () => {
      const place = await stage.place()
      const abroad = await stage.place({ jurisdiction: '330000' })
      const [order, elsewhere] = [await stage.order(place, 'confirmed'), await stage.order(abroad, 'confirmed')]
      const invoice = Number(place.program.slice(2)) + 80_000
      return {
        asked: ask.submit(order, place.provider, invoice),
        meanwhile: () => other.must(ask.submit(elsewhere, abroad.provider, invoice)),
        expected: 'invoice_duplicate',
      }
    },
    'publishes the program': async () => {
      const place = await stage.place()
      const again = ask.publish({ ...(ask.publish({} as never).command as object), ...rulesOf(place) } as never)
      return { asked: again, meanwhile: () => other.must(again), expected: 'program_exists' }
    },
    'registers the enterprise': async () => {
      const place = await stage.place()
      const asked = ask.enterprise(uscc(50_000 + Number(place.program.slice(2))), '320509')
      return { asked, meanwhile: () => other.must(asked), expected: 'enterprise_exists' }
    },
    'closes the period': async () => {
      const place = await stage.place()
      const asked = ask.close(`P ${place.program}`, '2026-03-01')
      return { asked, meanwhile: () => other.must(asked), expected: 'period_closed' }
    },
  }

  const answerTo = (asked: Asked) => a.engine.run(asked).then(codeOf, (fault: Error) => String(fault.cause))
  for (const [title, arrange] of Object.entries(cases)) {
    const stale = await arrange()
    await stale.meanwhile()
    t.equal(await answerTo(stale.asked), stale.expected, `B ${title}, then A is asked with old facts`)
    if (stale.isStaleOnly) continue
    const window = await arrange()
    a.beforeRecord(window.meanwhile)
    t.equal(await answerTo(window.asked), window.expected, `B ${title} between A's facts and A's record`)
  }

  await t.test('closing a period reaches what another engine has just booked', async (t) => {
    const order = await stage.order(await stage.place(), 'verified')
    a.beforeRecord(() => other.must(ask.approve(order)))
    const closed = await stage.must(ask.close('with the last approval', '2026-03-01'))
    const [head] = await a.sql<{ seq: bigint }[]>`select seq from books where book = 320509`
    t.equal((closed.event.reaches as Record<string, number>)['320509'], Number(head!.seq))
  })
})

function rulesOf({ program, jurisdiction }: Place) {
  return { ...structuredClone(ruleBase), program: `${program}-again`, jurisdiction }
}
const ruleBase = opening[0]!.command as object

withLab(t, 'a batch sent behind one that fails does not pass for its successor', async (t, lab) => {
  // The second batch expects the number that the first takes; meanwhile another engine takes it.
  const [a, b] = [lab.engine({ batch: 1 }), lab.engine({})]
  const [stage, other] = [new Stage(a.engine), new Stage(b.engine)]
  const place = await stage.place({}, {}, 1000_00n)
  const appropriate = (amount: bigint) => ask.appropriate(place.jurisdiction, place.program, amount)
  a.beforeRecord(() => other.must(appropriate(1_00n)))
  const answers = await Promise.all([a.engine.run(appropriate(10_00n)), a.engine.run(appropriate(100_00n))])
  t.same(answers.map(codeOf), ['accepted', 'accepted'])
  const [pool] = await a.sql<{ posted: bigint }[]>`select posted from accounts where owner = ${place.program}`
  t.equal(pool?.posted, 1111_00n)
  const [head] = await a.sql<
    { entries: bigint }[]
  >`select entries from books where book = ${Number(place.jurisdiction)}`
  t.equal(head?.entries, 4n)
})

await t.test('several engines on the same books, random histories', async (t) => {
  for (const seed of [1, 2, 3]) {
    const [moves] = fc.sample(histories(700), { seed, numRuns: 1 })
    await withLab(t, `history ${seed}`, async (t, lab) => {
      const engines = [lab.engine(), lab.engine(), lab.engine({ batch: 7 })]
      const random = fc.sample(fc.nat(999_999), { seed, numRuns: moves!.length })
      await playTogether(lab, engines, moves!, random)
      const memory = await proveLedger(engines[0]!.sql)
      t.ok(memory.log.length > 80, `${memory.log.length} commands replayed`)
      t.same(
        engines.flatMap(({ errors }) => errors),
        [],
        'no fault',
      )
    })
  }
})

/** Waves of concurrent commands over all engines; a period is closed and paid now and then, also by two at once. */
async function playTogether({ clock }: Lab, engines: readonly RunningEngine[], moves: Move[], random: number[]) {
  const any = (n: number) => engines[n % engines.length]!
  for (const asked of opening) await any(0).engine.run(asked)
  const cast = new Cast()
  let period = 0
  for (let from = 0; from < moves.length; ) {
    const size = 1 + (random[from]! % 24)
    const wave = moves.slice(from, from + size)
    from += size
    clock.set(clock.now() + wave.reduce((sum, move) => sum + (move.do === 'pass' ? move.days * DAY : 7), 0))
    const day = new Date(clock.now() + 8 * 3_600_000).toISOString().slice(0, 10)
    const asked = wave.flatMap((move) => (move.do === 'pass' ? [] : (cast.command(move, day) ?? [])))
    const outcomes = asked.map((one, n) => any(random[from - size + n] ?? n).engine.run(one))
    if (random[from - 1]! % 9 === 0) {
      const name = `P${++period}`
      const through = new Date(clock.now() - 16 * 3_600_000).toISOString().slice(0, 10)
      const close = { command: { period: name, through }, actor: bureau('000000') }
      await settled([0, 1].map((n) => closePeriod(any(n).engine, any(n).sql, { ...close, key: `close ${name} ${n}` })))
      const confirm = { command: { period: name }, actor: bureau('000000') }
      await settled(
        [1, 2].map((n) => confirmPayments(any(n).engine, any(n).sql, { ...confirm, key: `pay ${name} ${n}` })),
      )
    }
    // Faults are counted by the engines' logs.
    for (const [n, outcome] of (await settled(outcomes)).entries()) {
      if (outcome.status === 'fulfilled') cast.learn(asked[n]!, outcome.value)
    }
  }
}

await t.test('a batch of n is n batches of one: the same receipts, the same tables', async (t) => {
  for (const [seed, isOneDay] of [
    [11, true],
    [12, true],
    [13, false],
    [14, false],
  ] as const) {
    const [moves] = fc.sample(histories(500, { isOneDay }), { seed, numRuns: 1 })
    await withLab(t, `history ${seed}${isOneDay ? ', all on one day' : ''}`, async (t, lab) => {
      const memory = new Memory()
      const script: { asked: Asked; at: number; outcome: Outcome }[] = []
      const cast = new Cast()
      let at = START
      const say = async (asked: Asked | undefined) => {
        if (!asked) return
        const outcome = await memory.run(asked, at)
        cast.learn(asked, outcome)
        script.push({ asked, at, outcome })
      }
      for (const asked of opening) await say(asked)
      for (const move of moves!) {
        at += move.do === 'pass' ? move.days * DAY : 1000
        const day = new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)
        if (move.do !== 'pass') await say(cast.command(move, day))
      }

      const one = lab.engine({ batch: 1 })
      const singly: Outcome[] = []
      for (const { asked, at } of script) {
        lab.clock.set(at)
        singly.push(await one.engine.run(asked))
      }
      const second = await testDatabase()
      const many = runEngine(second, lab.clock, { batch: 10_000 })
      try {
        const together = await Promise.all(
          script.map(({ asked, at }) => {
            lab.clock.set(at)
            return many.engine.run(asked)
          }),
        )
        t.ok(script.length > 150, `${script.length} commands`)
        const firstOff = (list: Outcome[]) => script.findIndex((s, n) => codeOf(list[n]!) !== codeOf(s.outcome))
        t.equal(firstOff(singly), -1, 'one by one they come to what the memory says')
        t.equal(firstOff(together), -1, 'all at once they come to what the memory says')
        t.same(together, singly, 'the same receipts')
        await proveRows(one.sql, memory)
        await proveRows(many.sql, memory)
        t.same(await dump(many), await dump(one), 'the same tables')
      } finally {
        await many.close()
        await second.drop()
      }
    })
  }
})

async function dump({ sql }: RunningEngine) {
  return {
    books: [...(await sql`select book, seq, entries, accounts, booked_at from books where seq > 0 order by book`)],
    commands: [
      ...(await sql`
        select c.seq, c.booked_at, c.book, c.entry, a.organisation, a.subject, c.day, c.kind, c.body, c.event, c.rests
        from commands c join actors a on a.actor = c.actor order by c.book, c.seq`),
    ],
    transfers: [...(await sql`select * from transfers order by book, entry, line`)],
    accounts: [...(await sql`select * from accounts order by book, account`)],
  }
}

withLab(t, 'idempotency', async (t, lab) => {
  const [a, b] = [lab.engine(), lab.engine()]
  const stage = new Stage(a.engine)
  const place = await stage.place()
  const issue = (amount = 1_00n): Asked => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
  const countOf = async () => Number((await a.sql`select count(*) as n from commands`)[0]!.n)

  await t.test('the same key and body gives the same receipt, from any engine, and books nothing', async (t) => {
    const first = await a.engine.run({ ...issue(), key: 'one' })
    const booked = await countOf()
    lab.clock.set(lab.clock.now() + 60_000)
    t.same(await a.engine.run({ ...issue(), key: 'one' }), first)
    t.same(await b.engine.run({ ...issue(), key: 'one' }), first)
    t.equal(await countOf(), booked)
  })

  await t.test('refusals too, even when the reason is gone', async (t) => {
    const asked = { ...ask.deliver('O320509-999999', place.provider), key: 'refused' }
    const first = await a.engine.run(asked)
    t.equal(codeOf(first), 'order_not_found')
    const poor = await stage.place({}, { enterprise: place.enterprise }, 0n)
    const wanted = { ...ask.issue(poor.jurisdiction, poor.program, poor.enterprise, 5n), key: 'too early' }
    const refused = await a.engine.run(wanted)
    t.equal(codeOf(refused), 'pool_insufficient')
    await stage.must(ask.appropriate(poor.jurisdiction, poor.program, 5n))
    t.same(await a.engine.run(wanted), refused)
    t.same(await b.engine.run(wanted), refused)
    t.same(await b.engine.run(asked), first)
    t.equal(codeOf(await b.engine.run({ ...wanted, key: 'now' })), 'accepted')
  })

  await t.test('the same key with another body, kind or person is refused, and the first answer stays', async (t) => {
    const first = await a.engine.run({ ...issue(), key: 'two' })
    for (const other of [issue(2_00n), ask.appropriate(place.jurisdiction, place.program, 1_00n)]) {
      t.equal(codeOf(await b.engine.run({ ...other, key: 'two' })), 'idempotency_key_reused')
    }
    const colleague = { ...issue(), key: 'two', actor: bureau(place.jurisdiction, 'Zhao') }
    t.equal(codeOf(await b.engine.run(colleague)), 'idempotency_key_reused')
    t.same(await a.engine.run({ ...issue(), key: 'two' }), first)
  })

  await t.test('another organisation’s key is another key', async (t) => {
    const order = await stage.order(place, 'filed')
    const asked = [
      { ...issue(), key: 'shared' },
      { ...ask.deliver(order, place.provider), key: 'shared' },
    ]
    t.same((await Promise.all(asked.map((one) => b.engine.run(one)))).map(codeOf), ['accepted', 'accepted'])
  })

  await t.test('fifty at once with one key over two engines book one command and all hear the same', async (t) => {
    for (const round of [1, 2, 3]) {
      const booked = await countOf()
      const asked = { ...issue(), key: `storm ${round}` }
      const outcomes = await Promise.all(Array.from({ length: 50 }, (_, n) => [a, b][n % 2]!.engine.run(asked)))
      t.ok(
        outcomes.every((outcome) => isDeepStrictEqual(outcome, outcomes[0])),
        'one answer',
      )
      t.equal(codeOf(outcomes[0]!), 'accepted')
      t.equal(await countOf(), booked + 1)
    }
  })

  await t.test('fifty at once with one key and two bodies: one body wins, the other is refused', async (t) => {
    const booked = await countOf()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, n) => [a, b][n % 2]!.engine.run({ ...issue(n % 3 ? 3n : 4n), key: 'torn' })),
    )
    const codes = outcomes.map(codeOf)
    t.equal(await countOf(), booked + 1)
    const won = codes.indexOf('accepted') % 3 ? 1 : 0
    for (const [n, code] of codes.entries()) {
      const isWinner = (n % 3 ? 1 : 0) === won
      if (code !== (isWinner ? 'accepted' : 'idempotency_key_reused')) t.fail(`${n}: ${code}`)
    }
  })

  await t.test('a key is kept for its days, then answered "expired" and never run again', async (t) => {
    const asked = { ...issue(), key: 'old' }
    const first = await a.engine.run(asked)
    lab.clock.set(lab.clock.now() + KEY_KEPT_DAYS * DAY)
    t.same(await b.engine.run(asked), first)
    lab.clock.set(lab.clock.now() + 1)
    const booked = await countOf()
    t.equal(codeOf(await a.engine.run(asked)), 'idempotency_key_expired')
    t.equal(codeOf(await b.engine.run(asked)), 'idempotency_key_expired')
    t.equal(await countOf(), booked)
  })
})

withLab(t, 'groups: all or nothing', async (t, lab) => {
  const [a, b] = [lab.engine(), lab.engine()]
  const stage = new Stage(a.engine)
  const [here, there] = [await stage.place(), await stage.place({ jurisdiction: '330000' })]
  const actor = bureau('000000')
  const issue = ({ jurisdiction, program, enterprise }: Place, amount: bigint) => {
    const { type, command } = ask.issue(jurisdiction, program, enterprise, amount)
    return { type: { ...type, access: () => undefined } as CommandType, command }
  }
  const heads = async () =>
    JSON.stringify(await a.sql`select book, seq::int, entries::int, accounts from books where seq > 0 order by book`)
  const tooMuch = 9_999_999_00n

  await t.test('two books move together', async (t) => {
    const outcome = await a.engine.runTogether([issue(here, 1n), issue(there, 2n)], actor, 'group')
    t.ok(Array.isArray(outcome))
    const again = await b.engine.runTogether([issue(here, 1n), issue(there, 2n)], actor, 'group')
    t.same((again as Receipt[])[0], (outcome as Receipt[])[0], 'asked again: the same answer')
  })

  await t.test('at the first refusal nothing is recorded, also when it comes last', async (t) => {
    const before = await heads()
    for (const [n, calls] of [
      [issue(here, 1n), issue(there, tooMuch)],
      [issue(here, tooMuch), issue(there, 1n)],
      [issue(here, 1n), issue(there, 1n), issue(here, tooMuch)],
    ].entries()) {
      const key = `refused ${n}`
      const outcome = (await a.engine.runTogether(calls, actor, key)) as Refusal
      t.equal(outcome.refused, 'annual_cap_exceeded')
    }
    t.equal(await heads(), before)
  })

  await t.test('a refused group leaves its neighbours of the same batch as they are', async (t) => {
    const [first, group, last] = await Promise.all([
      a.engine.run({ ...issue(here, 3n), actor }),
      a.engine.runTogether([issue(here, 4n), issue(there, 4n), issue(here, tooMuch)], actor),
      a.engine.run({ ...issue(here, 5n), actor }),
    ])
    t.equal((group as Refusal).refused, 'annual_cap_exceeded')
    t.equal((last as Receipt).seq, (first as Receipt).seq + 1)
  })

  await t.test('when one of its books moved in between it is decided again, whole', async (t) => {
    for (const mover of [here, there]) {
      a.beforeRecord(() => b.engine.run({ ...issue(mover, 7n), actor }))
      const outcome = await a.engine.runTogether([issue(here, 1n), issue(there, 2n)], actor)
      t.ok(Array.isArray(outcome))
    }
    const rest = await stage.place({}, {}, 10n)
    const take = issue({ ...rest }, 10n)
    a.beforeRecord(() => b.engine.run({ ...take, actor }))
    const before = Number((await a.sql`select seq from books where book = 330000`)[0]!.seq)
    const refused = await a.engine.runTogether([issue(there, 1n), take], actor)
    t.equal((refused as Refusal).refused, 'pool_insufficient')
    t.equal(Number((await a.sql`select seq from books where book = 330000`)[0]!.seq), before)
  })

  await t.test(
    'a fault inside a group takes it back whole, and touches no book that another engine has moved',
    async (t) => {
      await a.engine.run({ ...issue(here, 1n), actor })
      // A's memory of this book is old now.
      await b.engine.run({ ...issue(here, 1n), actor })
      await b.engine.run({ ...issue(here, 1n), actor })
      const head = () => a.sql`select seq, entries from books where book = 320509`
      const before = [...(await head())]
      const [group, neighbour] = await settled<unknown>([
        a.engine.runTogether([issue(here, 1n), { type: poison, command: {} }], actor),
        a.engine.run({ ...issue(there, 1n), actor }),
      ])
      t.equal(group!.status, 'rejected')
      t.equal(neighbour!.status, 'fulfilled')
      t.same([...(await head())], before, 'the head of the other book stands where it stood')
    },
  )
})

/** A command whose rule is broken. */
const poison = command({
  kind: 'poison',
  schema: z.any(),
  event: z.any(),
  facts: () => ({ book: 320509 }),
  decide(): never {
    throw new Error('a rule with a bug')
  },
}) as CommandType

/** A command whose plan the database refuses. */
const broken = command({
  kind: 'broken',
  schema: z.any(),
  event: z.any(),
  facts: (_: unknown, { program }: { program: string }) => ({ book: 320509, program }),
  decide({ book, program }, _: unknown, { seq, day }) {
    const voucher = { book, voucher: seq, program, enterprise: uscc(1), amount: -5n, issuedOn: day, useBy: day }
    const course = { lapsedOn: null, recallOn: null, extendedOn: null, suspendedOn: null, ended: null }
    return { book, rows: [row(vouchers, { ...voucher, ...course, version: 1 })], event: {} }
  },
}) as CommandType

withLab(t, 'a poison command fails alone', async (t, lab) => {
  const a = lab.engine()
  const stage = new Stage(a.engine)
  const place = await stage.place()
  const appropriate = (): Asked => ask.appropriate(place.jurisdiction, place.program, 1n)
  const abroad = await stage.place({ jurisdiction: '310000' })
  const neighbours = (n: number) => (n % 3 === 0 ? ask.appropriate('310000', abroad.program, 1n) : appropriate())

  for (const [title, type] of [
    ['whose rule throws', poison],
    ['whose plan breaks a constraint of the database', broken],
  ] as const) {
    await t.test(`${title}: it is a fault, its twenty neighbours are booked, the engine lives`, async (t) => {
      const before = (await a.sql<{ seq: bigint }[]>`select sum(seq) as seq from books`)[0]!.seq
      const asked = Array.from({ length: 20 }, (_, n) => neighbours(n))
      const bad: Asked = { type, command: { program: place.program }, actor: bureau('320509'), key: `poison ${title}` }
      const outcomes = await settled([...asked.slice(0, 10), bad, ...asked.slice(10)].map((one) => a.engine.run(one)))
      const fault = outcomes[10] as PromiseRejectedResult
      t.equal(fault.status, 'rejected')
      t.ok(fault.reason instanceof EngineFault)
      const others = outcomes
        .filter((_, n) => n !== 10)
        .map((o) => (o.status === 'fulfilled' ? codeOf(o.value) : 'fault'))
      t.same([...new Set(others)], ['accepted'])
      t.equal(Number((await a.sql`select sum(seq) as seq from books`)[0]!.seq) - Number(before), 20)
      await stage.must(appropriate())
    })
  }

  await t.test('several kinds of poison in one batch, each with its own fault', async (t) => {
    const asked = Array.from({ length: 30 }, (_, n): Asked => {
      if (n % 7 === 3) return { type: broken, command: { program: place.program }, actor: bureau('320509') }
      if (n % 7 === 5) return { type: poison, command: {}, actor: bureau('320509') }
      return neighbours(n)
    })
    const outcomes = await settled(asked.map((one) => a.engine.run(one)))
    const ids = outcomes.flatMap((o) => (o.status === 'rejected' ? [(o.reason as EngineFault).id] : []))
    t.equal(new Set(ids).size, asked.filter(({ type }) => type === broken || type === poison).length)
    t.equal(outcomes.filter((o) => o.status === 'fulfilled' && codeOf(o.value) === 'accepted').length, 30 - ids.length)
  })
})

withLab(t, 'deadlines never wait for a job', async (t, lab) => {
  const a = lab.engine()
  const stage = new Stage(a.engine)
  const pass = (days: number) => lab.clock.set(lab.clock.now() + days * DAY)
  const file = ({ enterprise, provider }: Place, voucher: string, contractNo: string, voucherAmount = 100_00n) =>
    a.engine.run(ask.file(voucher, enterprise, provider, { contractNo, voucherAmount }))

  await t.test(
    'before pool_insufficient the pool gets what it is owed, through vouchers that overdue orders hold',
    async (t) => {
      const place = await stage.place({ useWithinDays: 5, claimWithinDays: 5 }, {}, 100_00n)
      await stage.order(place, 'filed', { voucher: await stage.voucher(place, 60_00n), voucherAmount: 50_00n })
      await stage.voucher(place, 40_00n)
      const again = (amount: bigint) =>
        a.engine.run(ask.issue(place.jurisdiction, place.program, place.enterprise, amount)).then(codeOf)
      t.equal(await again(1n), 'pool_insufficient')
      pass(5)
      t.equal(await again(1n), 'pool_insufficient', 'the last day is inclusive')
      pass(1)
      t.equal(await again(100_01n), 'pool_insufficient', 'not more than there is')
      t.equal(await again(100_00n), 'accepted')
    },
  )

  await t.test('also from more than a thousand overdue vouchers, for several who ask at once', async (t) => {
    const place = await stage.place({ useWithinDays: 0 }, {}, 11_00n)
    const issue = (amount: bigint) => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
    await Promise.all(Array.from({ length: 1100 }, () => stage.must(issue(1n))))
    pass(1)
    const outcomes = await Promise.all([300n, 300n, 300n, 300n, 200n].map((amount) => a.engine.run(issue(amount))))
    t.same(outcomes.map(codeOf).sort(), ['accepted', 'accepted', 'accepted', 'accepted', 'pool_insufficient'])
  })

  await t.test('also for a group, from more than a thousand overdue vouchers', async (t) => {
    const place = await stage.place({ useWithinDays: 0 }, {}, 11_00n)
    const issue = (amount: bigint) => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
    await Promise.all(Array.from({ length: 1100 }, () => stage.must(issue(1n))))
    pass(1)
    const group = await a.engine.runTogether([issue(10_00n), issue(1_00n)], bureau('320509')).catch((e: Error) => e)
    t.ok(Array.isArray(group), String(group))
  })

  await t.test('before insufficient_balance the voucher gets what its overdue orders hold', async (t) => {
    const place = await stage.place({ claimWithinDays: 3 })
    const voucher = await stage.voucher(place, 100_00n)
    await stage.order(place, 'confirmed', { voucher, voucherAmount: 60_00n })
    await stage.order(place, 'filed', { voucher, voucherAmount: 40_00n })
    t.equal(codeOf(await file(place, voucher, 'N-1', 1n)), 'insufficient_balance')
    pass(3)
    t.equal(codeOf(await file(place, voucher, 'N-1', 1n)), 'insufficient_balance', 'the last day is inclusive')
    pass(1)
    t.equal(codeOf(await file(place, voucher, 'N-1')), 'accepted')
  })

  await t.test('an overdue order gives its contract number to a new one, in another province', async (t) => {
    const place = await stage.place({ claimWithinDays: 3 })
    const abroad = await stage.place({ jurisdiction: '340000' }, { provider: place.provider })
    const order = await stage.order(place, 'delivered', { contractNo: 'wanted' })
    const voucher = await stage.voucher(abroad)
    t.equal(codeOf(await file(abroad, voucher, 'wanted')), 'contract_duplicate')
    pass(4)
    t.equal(codeOf(await file(abroad, voucher, 'wanted')), 'accepted')
    t.match(await a.sql`select state from orders where book = 320509 and "order" = ${order.split('-')[1]!}`, [
      { state: 'lapsed' },
    ])
  })

  await t.test('an overdue returned claim gives its invoice to another, in another province', async (t) => {
    const place = await stage.place({ claimWithinDays: 3 })
    const abroad = await stage.place({ jurisdiction: '340000' })
    const order = await stage.order(place, 'submitted', { invoice: 424_242 })
    const elsewhere = await stage.order(abroad, 'confirmed')
    await stage.must(ask.giveBack(order))
    const submit = () => a.engine.run(ask.submit(elsewhere, abroad.provider, 424_242)).then(codeOf)
    pass(30)
    t.equal(await submit(), 'invoice_duplicate', 'the thirtieth day is inclusive')
    pass(1)
    t.equal(await submit(), 'accepted')
  })

  await t.test('also what is only decided, not yet recorded, when midnight falls into a batch', async (t) => {
    const place = await stage.place({ useWithinDays: 0 }, {}, 5_00n)
    const issue = () => a.engine.run(ask.issue(place.jurisdiction, place.program, place.enterprise, 5_00n))
    const today = issue()
    pass(1)
    t.same((await Promise.all([today, issue()])).map(codeOf), ['accepted', 'accepted'])
  })

  await t.test('a clock that steps back over midnight leaves no money on a voucher that has lapsed', async (t) => {
    const place = await stage.place({ useWithinDays: 0, claimWithinDays: 30 }, {}, 100_00n)
    const voucher = await stage.voucher(place, 100_00n)
    const order = await stage.order(place, 'filed', { voucher })
    const day = new Date(lab.clock.now() + 8 * 3_600_000).toISOString().slice(0, 10)
    lab.clock.set(china(`${day}T23:59:59.999+08:00`) + 5_000)
    await stage.must(ask.lapseVoucher(voucher))
    lab.clock.set(lab.clock.now() - 10_000)
    await stage.must(ask.cancel(order, place.enterprise))
    pass(2)
    const { jurisdiction, program, enterprise } = place
    t.equal(codeOf(await a.engine.run(ask.issue(jurisdiction, program, enterprise, 100_00n))), 'accepted')
  })

  await t.test('hundreds who ask an empty pool at once do not lapse the same things hundreds of times', async (t) => {
    const place = await stage.place({ useWithinDays: 0 }, {}, 9_00n)
    const issue = (amount: bigint) => ask.issue(place.jurisdiction, place.program, place.enterprise, amount)
    await Promise.all(Array.from({ length: 900 }, () => stage.must(issue(1n))))
    pass(1)
    const lapses = t.capture(lapseVoucherCommand, 'decide', lapseVoucherCommand.decide)
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => a.engine.run(issue(10_00n))))
    t.ok(outcomes.every((outcome) => codeOf(outcome) === 'pool_insufficient'))
    const decided = lapses().length
    t.ok(decided >= 900 && decided < 3 * 900, `${decided} lapses were decided`)
  })
})

withLab(t, 'a lost reply: what was recorded is answered, not booked again', async (t, lab) => {
  const a = lab.engine()
  const stage = new Stage(a.engine)
  const place = await stage.place()
  const issue = (key: string, amount = 1n): Asked => ({
    ...ask.issue(place.jurisdiction, place.program, place.enterprise, amount),
    key,
  })
  const before = (await stage.must(issue('before'))).seq
  a.loseReply()
  const outcomes = await Promise.all(
    [issue('one'), issue('two'), issue('too much', 9_999_999_00n)].map((asked) => a.engine.run(asked)),
  )
  t.same(outcomes.map(codeOf), ['accepted', 'accepted', 'annual_cap_exceeded'])
  t.same(
    outcomes.slice(0, 2).map((outcome) => (outcome as Receipt).seq),
    [before + 1, before + 2],
  )
  t.equal((await stage.must(issue('after'))).seq, before + 3, 'nothing was booked twice')
  a.loseReply()
  const group = await a.engine.runTogether([issue('first of a group'), issue('not asked')], bureau('320509'), 'group')
  t.equal((group as Receipt[])[0]!.seq, before + 4)
  t.equal((await stage.must(issue('last'))).seq, before + 6)
})

withLab(t, 'a lost connection in the middle of load: every command answered once, recorded once', async (t, lab) => {
  const admin = connectAdmin(lab.database)
  const a = lab.engine({ batch: 40 })
  const stage = new Stage(a.engine)
  const place = await stage.place()
  const issue = (n: number): Asked => ({
    ...ask.issue(place.jurisdiction, place.program, place.enterprise, BigInt(1 + (n % 5))),
    key: `load ${n}`,
  })
  const answers = new Map<number, number>()
  const callers = Array.from({ length: 600 }, async (_, n) => {
    const outcome = await a.engine.run(issue(n))
    answers.set(n, (answers.get(n) ?? 0) + 1)
    return outcome
  })
  let killed = 0
  for (let round = 0; round < 6; round++) {
    await new Promise((resolve) => setTimeout(resolve, 15))
    const [{ n = 0 } = {}] = await admin<{ n: number }[]>`
      select count(pg_terminate_backend(pid))::int as n from pg_stat_activity
      where application_name = 'clearing-engine' and datname = current_database()`
    killed += n
  }
  const outcomes = await Promise.all(callers)
  await admin.end()
  t.ok(killed > 0, `${killed} connections ended`)
  t.same(outcomes.map(codeOf), Array(600).fill('accepted'))
  t.equal(new Set(outcomes.map((outcome) => (outcome as Receipt).seq)).size, 600, 'each its own number')
  t.same([...new Set(answers.values())], [1])
  const [{ n = 0 } = {}] = await a.sql<{ n: number }[]>`select count(*)::int as n from commands where kind = 'issue'`
  t.equal(n, 600)
  const again = await Promise.all(Array.from({ length: 600 }, (_, n) => a.engine.run(issue(n))))
  t.same(again, outcomes, 'asked again: the same receipts')
})

withLab(
  t,
  'a fault that was answered stays answered: it is not booked later with its neighbours',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const stage = new Stage(a.engine)
    const place = await stage.place()
    const voucher = await stage.voucher(place)
    const abroad = await stage.place({ jurisdiction: '330000' }, { provider: place.provider })
    const elsewhere = await stage.voucher(abroad)
    let tries = 0
    const moody = command({
      kind: 'appropriate',
      schema: z.any(),
      event: z.any(),
      facts: () => ({ book: 320509 }),
      decide({ book }) {
        if (++tries === 1) throw new Error('only the first time')
        return { book, event: { moody: true } }
      },
    }) as CommandType
    const file = ({ enterprise, provider }: Place, on: string) =>
      ask.file(on, enterprise, provider, { contractNo: 'same' })
    // A key conflict makes A decide the whole batch once more.
    a.beforeRecord(() => b.engine.run(file(abroad, elsewhere)))
    const [bad, good] = await settled([
      a.engine.run({ type: moody, command: {}, actor: bureau('320509') }),
      a.engine.run(file(place, voucher)),
    ])
    t.equal(
      (good as PromiseFulfilledResult<Outcome>).value && codeOf((good as { value: Outcome }).value),
      'contract_duplicate',
    )
    const [{ n = 0 } = {}] = await a.sql<{ n: number }[]>`
    select count(*)::int as n from commands where event ->> 'moody' = 'true'`
    t.equal(n, bad!.status === 'fulfilled' ? 1 : 0, `${bad!.status}, booked ${n} times`)
  },
  false,
)

withLab(t, 'the engine and its callers', async (t, lab) => {
  const a = lab.engine({ queue: 50 })
  const stage = new Stage(a.engine)
  const place = await stage.place({}, {}, 100_000_00n)
  const appropriate = (): Asked => ask.appropriate(place.jurisdiction, place.program, 1n)

  await t.test('beyond its queue it says overloaded; no organisation fills it alone', async (t) => {
    const mine = Array.from({ length: 80 }, () => a.engine.run(appropriate()))
    t.equal(a.engine.hasRoom(), true)
    t.equal(a.engine.hasRoom(appropriate().actor.organisation), false, 'its own share is full')
    const others = Array.from({ length: 30 }, () => a.engine.run(ask.deliver('O320509-999', place.provider)))
    t.equal(a.engine.hasRoom(), false)
    const count = async (all: Promise<Outcome>[], code: string) =>
      (await Promise.all(all)).filter((outcome) => codeOf(outcome) === code).length
    t.equal(await count(mine, 'accepted'), 30)
    t.equal(await count(mine, 'overloaded'), 50)
    t.equal(await count(others, 'order_not_found'), 20)
    t.equal(await count(others, 'overloaded'), 10)
    t.equal(a.engine.hasRoom(), true)
  })

  await t.test('what nobody waits for any more is dropped before it is recorded, and its key is free', async (t) => {
    let isWanted = false
    const asked = { ...appropriate(), key: 'gone', isWanted: () => isWanted }
    t.equal(codeOf(await a.engine.run(asked)), 'overloaded')
    isWanted = true
    t.equal(codeOf(await a.engine.run(asked)), 'accepted')
    isWanted = false
    t.equal(codeOf(await a.engine.run(appropriate())), 'accepted', 'its neighbours go on')
  })

  await t.test('what has waited too long is refused, not recorded late', async (t) => {
    const slow = lab.engine({ wait: -1 })
    const [before] = await a.sql`select seq from books where book = 320509`
    t.equal(codeOf(await slow.engine.run(appropriate())), 'overloaded')
    const [after] = await a.sql`select seq from books where book = 320509`
    t.same(after, before)
  })

  await t.test(
    'what is asked in a row by one caller is booked in that row, also when a book moves meanwhile',
    async (t) => {
      const b = lab.engine()
      a.beforeRecord(() => b.engine.run(appropriate()))
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => a.engine.run(appropriate())))
      const numbers = outcomes.map((outcome) => (outcome as Receipt).seq)
      t.same(
        numbers,
        [...numbers].sort((x, y) => x - y),
      )
    },
  )

  await t.test('drained waits for what was asked before it, not for what comes after', async (t) => {
    let isLoading = true
    const load = async () => {
      while (isLoading) await a.engine.run(appropriate())
    }
    const callers = [load(), load(), load()]
    await a.engine.run(appropriate())
    const timeout = new Promise((resolve) => setTimeout(resolve, 2000, 'still waiting'))
    const waited = await Promise.race([a.engine.drained(), timeout])
    isLoading = false
    await Promise.all(callers)
    t.equal(waited, undefined)
  })

  await t.test(
    'a key that one batch gives back can be taken by the next, while the first is being recorded',
    async (t) => {
      const order = await stage.order(place, 'filed', { contractNo: 'again' })
      const voucher = await stage.voucher(place)
      let next: Promise<Outcome> | undefined
      a.beforeRecord(async () => {
        next = a.engine.run(ask.file(voucher, place.enterprise, place.provider, { contractNo: 'again' }))
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
      await stage.must(ask.cancel(order, place.enterprise))
      t.equal(codeOf(await next!), 'accepted')
    },
  )

  await t.test(
    'a key that one batch takes cannot be taken by the next, while the first is being recorded',
    async (t) => {
      const voucher = await stage.voucher(place)
      const file = () => a.engine.run(ask.file(voucher, place.enterprise, place.provider, { contractNo: 'twice' }))
      let next: Promise<Outcome> | undefined
      a.beforeRecord(async () => {
        next = file()
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
      t.equal(codeOf(await file()), 'accepted')
      t.equal(codeOf(await next!), 'contract_duplicate')
    },
  )

  await t.test('what names nothing is a refusal, whatever it is', async (t) => {
    for (const id of [
      '',
      'O320509-0',
      'O320509-1',
      'V320509-1',
      'O999999-1',
      'O320509-1e3',
      '订单',
      'O320509-999999999999999',
    ]) {
      t.equal(
        codeOf(await a.engine.run({ ...ask.deliver('O320509-1', uscc(1)), command: { order: id } })),
        'order_not_found',
      )
    }
  })

  await t.test('another’s business is refused, and stays untouched', async (t) => {
    const order = await stage.order(place, 'filed')
    const stranger = firm(uscc(77))
    for (const asked of [ask.deliver(order, place.provider), ask.cancel(order, place.enterprise)]) {
      t.equal(codeOf(await a.engine.run({ ...asked, actor: stranger })), 'not_your_organisation')
    }
    const neighbour = { ...ask.issue('320509', place.program, place.enterprise, 1n), actor: bureau('320500') }
    t.equal(codeOf(await a.engine.run(neighbour)), 'not_your_jurisdiction')
  })

  await t.test('after closing nothing more is taken', async (t) => {
    const c = lab.engine()
    const accepted = c.engine.run(appropriate())
    await c.engine.close()
    t.equal(codeOf(await accepted), 'accepted')
    t.equal(codeOf(await c.engine.run(appropriate())), 'overloaded')
  })
})
