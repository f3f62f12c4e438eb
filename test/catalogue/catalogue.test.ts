import fc from 'fast-check'
import t from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { type Mapping, mappingOn } from '../../src/catalogue/facts.js'
import { addDays } from '../../src/core/time.js'
import { askOf } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { mutual, outcomeOf } from '../support/mutual.js'
import { ask, bureau } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { table } from '../support/table.js'

t.test('on a day the last mapping that covers it holds', async (t) => {
  const mapping = (mapping: number, category: string | null, from: string, to: string | null): Mapping => {
    return { mapping, name: '类别', category, from, to }
  }
  const mappings = [
    mapping(1, 'testing', '2026-01-01', null),
    mapping(2, 'validation', '2026-03-01', '2026-03-31'),
    mapping(3, 'rnd', '2026-06-01', null),
    mapping(4, null, '2026-09-01', null),
  ]
  const cases = table(
    'day         category',
    `
     2025-12-31  -
     2026-01-01  testing
     2026-02-28  testing
     2026-03-01  validation
     2026-03-31  validation
     2026-04-01  testing
     2026-05-31  testing
     2026-06-01  rnd
     2026-09-01  -
    `,
  )
  for (const { day, category } of cases) t.equal(mappingOn(mappings, day)?.category ?? '-', category, day)
  t.equal(mappingOn([], '2026-03-01'), undefined)
})

withLab(t, "an order under a local category: of the program's or the provider's province", async (t, { engine }) => {
  const { engine: runner, sql } = engine()
  const stage = new Stage(runner)
  const place = await stage.place({ jurisdiction: '320509' })
  const voucher = await stage.voucher(place)
  await stage.must(mutual.map('320000', 'JS-3', 'testing', '2026-03-02'))
  await stage.must(mutual.map('310000', 'SH-7', 'testing', '2026-03-01', '2026-03-31'))
  await stage.must(mutual.map('310000', 'SH-8', 'testing', '2026-03-03'))
  await stage.must(mutual.map('330000', 'ZJ-1', 'testing', '2026-01-01'))
  let n = 1
  const file = (localCategory: string | undefined, category = 'testing') => {
    const { command, ...asked } = ask.file(voucher, place.enterprise, place.provider, {
      contractNo: `C-${n++}`,
      category,
    })
    return outcomeOf(stage, {
      ...asked,
      command: { ...(command as object), ...(localCategory ? { localCategory } : {}) },
    })
  }
  for (const [localCategory, category, outcome, why] of [
    [undefined, 'testing', 'done', 'none given'],
    ['JS-3', 'testing', 'done', "the program's province"],
    ['SH-7', 'testing', 'done', "the provider's province"],
    ['SH-8', 'testing', 'category_not_mapped', 'from tomorrow on'],
    ['ZJ-1', 'testing', 'category_not_mapped', 'a province that has nothing to do with it'],
    ['JS-3', 'rnd', 'category_not_mapped', 'it means another category'],
    ['XX', 'testing', 'category_not_mapped', 'unknown'],
  ] as const) {
    t.equal(await file(localCategory, category), outcome, why)
  }
  await stage.must(mutual.map('320000', 'JS-3', 'rnd', '2026-03-02'))
  t.equal(await file('JS-3'), 'category_not_mapped', 'mapped anew')
  t.equal(await file('JS-3', 'rnd'), 'done')
  await stage.must(mutual.map('320000', 'JS-3', null, '2026-03-02'))
  t.equal(await file('JS-3', 'rnd'), 'category_not_mapped', 'mapped to nothing any more')
  const kept = await sql`select local_category from orders where local_category is not null order by "order"`
  t.same(
    kept.map((row) => row.local_category),
    ['JS-3', 'SH-7', 'JS-3'],
    'kept with the order',
  )
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, finding ?? name)
})

t.test('the catalogue as it is answered is the one that orders are decided by', async (t) => {
  const running = await testService()
  t.teardown(() => running.close())
  const stage = new Stage(running.service.engine)
  const days = fc.integer({ min: 0, max: 20 }).map((n) => addDays('2026-03-01', n))
  const mapping = fc.record({
    of: fc.constantFrom('310000', '330000'),
    code: fc.constantFrom('A', 'B'),
    category: fc.constantFrom('testing', 'rnd', null),
    from: days,
    days: fc.option(fc.integer({ min: 0, max: 9 })),
  })
  const made = new Map<string, Mapping[]>()
  for (const { of, code, category, from, days } of fc.sample(mapping, { numRuns: 30, seed: 5 })) {
    const to = days === null ? null : addDays(from, days)
    const { seq } = await stage.must(mutual.map(of, code, category, from, to))
    const one: Mapping = { mapping: seq, name: `类别 ${code}`, category, from, to }
    made.set(`${of} ${code}`, [...(made.get(`${of} ${code}`) ?? []), one])
  }
  const http = askOf(running)
  const auditor = { ...bureau('340000'), roles: ['auditor'] }
  const listed = async (query: string) => (await http(auditor, 'GET', `/v1/catalogue${query}`)).body.items as Mapping[]
  t.equal((await listed('')).length, 30)
  t.same(
    (await listed('?jurisdiction=330000')).map((one) => one.mapping).sort((a, b) => a - b),
    [...made]
      .flatMap(([key, all]) => (key.startsWith('33') ? all.map((one) => one.mapping) : []))
      .sort((a, b) => a - b),
  )
  for (let n = 0; n <= 30; n++) {
    const day = addDays('2026-02-26', n)
    const holding = [...made.values()].flatMap((all) => mappingOn(all, day)?.mapping ?? [])
    t.same(
      (await listed(`?on=${day}`)).map((one) => one.mapping).sort((a, b) => a - b),
      holding.sort((a, b) => a - b),
      day,
    )
  }
})
