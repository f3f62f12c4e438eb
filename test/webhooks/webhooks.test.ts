/** What is decided about webhooks; their schedule and their signatures. */
import t from 'tap'
import type { Refusal } from '../../src/core/refusals.js'
import type { Plan } from '../../src/ledger/plan.js'
import {
  createWebhookCommand,
  disableWebhookCommand,
  endWebhookCommand,
  pauseWebhookCommand,
  replayWebhookCommand,
  resumeWebhookCommand,
  rotateWebhookCommand,
  WEBHOOKS_MOST,
} from '../../src/webhooks/commands.js'
import { createWebhook, replayBody } from '../../src/webhooks/contract.js'
import type { Webhook, Webhooks } from '../../src/webhooks/facts.js'
import { PAUSES, pauseAfter, retryAfterOf } from '../../src/webhooks/rules.js'
import { secretOf, secretsOf } from '../../src/webhooks/secret.js'
import { withLab } from '../support/lab.js'
import { bureau, firm, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { Stage } from '../support/stage.js'

const OWNER = '320509'
const one: Webhook = {
  number: 5,
  version: 6,
  url: 'https://hooks.example.com/',
  kinds: null,
  state: 'active',
  reason: null,
  secret: 5,
  former: null,
  formerUntil: null,
  replays: [],
  madeBy: 'Chen',
}
const context = { at: china('2026-03-02'), day: '2026-03-02', actor: bureau(OWNER), seq: 9 }
const facts = (over: Partial<Webhook> = {}) => {
  const changed = { ...one, ...over }
  const all: Webhooks = { book: 0, owner: OWNER, webhooks: [changed] }
  return { book: 0, owner: OWNER, all, one: changed }
}
const id = { webhook: `W${OWNER}-5` }
const written = (decision: Plan | Refusal) => ((decision as Plan).rows![0]!.value as Webhooks).webhooks.at(-1)

t.test('states × commands', async (t) => {
  const commands = {
    pause: (state: Webhook['state']) => pauseWebhookCommand.decide(facts({ state }), id, context),
    resume: (state: Webhook['state']) => resumeWebhookCommand.decide(facts({ state }), id, context),
    rotate: (state: Webhook['state']) => rotateWebhookCommand.decide(facts({ state }), { ...id, version: 6 }, context),
    end: (state: Webhook['state']) => endWebhookCommand.decide(facts({ state }), { ...id, reason: '停用' }, context),
    disable: (state: Webhook['state']) =>
      disableWebhookCommand.decide(facts({ state }), { ...id, reason: 'gone' }, context),
    replay: (state: Webhook['state']) =>
      replayWebhookCommand.decide(facts({ state }), { ...id, book: OWNER, from: 3, to: 4 }, context),
  }
  const table: Record<keyof typeof commands, Partial<Record<Webhook['state'], Webhook['state']>>> = {
    pause: { active: 'paused' },
    resume: { paused: 'active', disabled: 'active' },
    rotate: { active: 'active', paused: 'paused', disabled: 'disabled' },
    end: { active: 'ended', paused: 'ended', disabled: 'ended' },
    disable: { active: 'disabled' },
    replay: { active: 'active', paused: 'paused', disabled: 'disabled' },
  }
  for (const [name, decide] of Object.entries(commands)) {
    for (const state of ['active', 'paused', 'disabled', 'ended'] as const) {
      const decision = decide(state)
      const to = table[name as keyof typeof commands][state]
      if (to === undefined) t.match(decision, { refused: 'state_conflict', details: { state } }, `${name} ${state}`)
      else {
        t.match(decision, { event: { webhook: id.webhook, state: to, version: 9 } }, `${name} ${state}`)
        t.match(written(decision), { state: to, version: 9 })
      }
    }
  }
})

t.test('the eleventh is refused, those that have ended not counted', async (t) => {
  const many = (state: Webhook['state']): Webhooks => ({
    book: 0,
    owner: OWNER,
    webhooks: Array.from({ length: WEBHOOKS_MOST }, (_, n) => ({
      ...one,
      number: n + 1,
      ...(n === 0 ? { state } : {}),
    })),
  })
  const asked = { owner: OWNER, url: one.url }
  for (const state of ['active', 'paused', 'disabled'] as const) {
    t.match(createWebhookCommand.decide({ book: 0, all: many(state) }, asked, context), { refused: 'webhook_limit' })
  }
  const made = createWebhookCommand.decide({ book: 0, all: many('ended') }, asked, { ...context, seq: 99 })
  t.same(written(made), { ...one, number: 99, version: 99, secret: 99, madeBy: context.actor.subject })
})

t.test('the former secret signs through the day after its rotation, and only the last one', async (t) => {
  const rotated = written(rotateWebhookCommand.decide(facts(), { ...id, version: 6 }, context))!
  t.match(rotated, { secret: 9, former: 5, formerUntil: '2026-03-03' })
  const signing = (at: string) => secretsOf('k', OWNER, rotated, china(at)).map((one) => generations.indexOf(one))
  const generations = [5, 9].map((generation) => secretOf('k', id.webhook, generation))
  t.same(signing('2026-03-02'), [1, 0])
  t.same(signing('2026-03-03T23:59:59+08:00'), [1, 0])
  t.same(signing('2026-03-04T00:00:00+08:00'), [1])
  t.match(rotateWebhookCommand.decide(facts(), { ...id, version: 5 }, context), {
    refused: 'version_conflict',
    details: { version: 6 },
  })
  const secrets = [
    secretOf('k', id.webhook, 5),
    secretOf('k', id.webhook, 6),
    secretOf('k', 'W320509-6', 5),
    secretOf('other', id.webhook, 5),
  ]
  t.equal(new Set(secrets).size, secrets.length, 'another key, webhook or generation, another secret')
})

t.test('a schedule that grows, is spread by a fifth, and gives the receiver the time it asks for', async (t) => {
  for (const [n, pause] of PAUSES.entries()) {
    t.equal(pauseAfter(n + 1, 0, null), pause)
    t.equal(pauseAfter(n + 1, 1, null), pause * 1.2)
    t.ok(n === 0 || pause > PAUSES[n - 1]!)
  }
  t.equal(pauseAfter(1, 0, 3_600_000), 3_600_000)
  t.equal(pauseAfter(4, 0, 1000), PAUSES[3])
  t.equal(pauseAfter(1, 0, 10 ** 12), 86_400_000, 'a day at most')
  const now = Date.parse('2026-03-02T00:00:00Z')
  const cases: [string | undefined, number | null][] = [
    [undefined, null],
    ['120', 120_000],
    ['0', 0],
    ['Mon, 02 Mar 2026 00:01:00 GMT', 60_000],
    ['Sun, 01 Mar 2026 00:00:00 GMT', 0],
    ['soon', null],
    ['-5x', null],
  ]
  for (const [header, wanted] of cases) t.equal(retryAfterOf(header, now), wanted, String(header))
})

t.test('whose webhook it can be, and where it can lead', async (t) => {
  const parses = (owner: string, url = one.url) => createWebhook.safeParse({ owner, url }).success
  for (const owner of ['000000', '320000', '320500', OWNER, uscc(1)]) t.equal(parses(owner), true, owner)
  for (const owner of ['', '110000', '320599', 'Chen', `${uscc(1).slice(0, 17)}?`, uscc(1).toLowerCase()]) {
    t.equal(parses(owner), false, owner)
  }
  t.equal(parses(OWNER, 'https://user:secret@hooks.example.com/'), false)
})

withLab(t, 'nobody writes another’s; decided again, the log gives the same webhooks', async (t, { engine }) => {
  const stage = new Stage(engine().engine)
  const run = (type: unknown, command: object, actor = bureau(OWNER)) =>
    stage.engine.run({ type: type as typeof createWebhookCommand, command, actor })
  const made = await stage.must({
    type: createWebhookCommand,
    command: { owner: OWNER, url: one.url },
    actor: bureau(OWNER),
  })
  const webhook = made.event.webhook as string
  t.match(await run(createWebhookCommand, { owner: uscc(1), url: one.url }, firm(uscc(1))), {
    event: { state: 'active' },
  })
  const others = [bureau('320500'), bureau('000000'), bureau('320508'), firm(uscc(1)), firm(OWNER)]
  for (const actor of others) {
    for (const [type, more] of [
      [createWebhookCommand, { owner: OWNER, url: one.url }],
      [pauseWebhookCommand, { webhook }],
      [resumeWebhookCommand, { webhook }],
      [rotateWebhookCommand, { webhook, version: made.seq }],
      [endWebhookCommand, { webhook, reason: '停用' }],
      [replayWebhookCommand, { webhook, book: OWNER, from: 1 }],
    ] as const) {
      t.match(await run(type, more, actor), { refused: 'not_your_jurisdiction' }, `${type.kind} ${actor.organisation}`)
    }
  }
  t.match(await run(createWebhookCommand, { owner: uscc(2), url: one.url }, firm(uscc(1))), {
    refused: 'not_your_organisation',
  })
  t.equal(replayBody.safeParse({ book: OWNER, from: 4, to: 3 }).success, false)
  t.match(await run(pauseWebhookCommand, { webhook: `W${OWNER}-999` }), { refused: 'webhook_not_found' })
  t.match(await run(pauseWebhookCommand, { webhook: `W${uscc(1)}-${made.seq}` }), { refused: 'webhook_not_found' })
  const together = [
    run(replayWebhookCommand, { webhook, book: OWNER, from: 1 }),
    run(pauseWebhookCommand, { webhook }),
    run(replayWebhookCommand, { webhook, book: OWNER, from: 1, to: 9 }),
    run(endWebhookCommand, { webhook, reason: '停用' }),
  ]
  t.match(await Promise.all(together), [{ event: {} }, { event: {} }, { event: {} }, { event: { state: 'ended' } }])
})
