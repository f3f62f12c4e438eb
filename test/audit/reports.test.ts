/** Totals that are read while money moves. */
import t from 'tap'
import { provinceReports } from '../../src/audit/queries.js'
import { parseYuan } from '../../src/core/money.js'
import { connect } from '../../src/platform/database.js'
import { withLab } from '../support/lab.js'
import { ask } from '../support/scene.js'
import { Stage } from '../support/stage.js'

withLab(t, 'a report of the provinces adds up at every moment', async (t, lab) => {
  const { engine } = lab.engine()
  // One connection: what is asked in two statements is asked at two moments.
  const sql = connect(lab.database.databaseUrl, 1)
  const stage = new Stage(engine)
  const place = await stage.place({}, {}, 1_000_000_00n)
  let isOver = false
  const work = async () => {
    while (!isOver) {
      const order = await stage.order(place, 'approved')
      await stage.must(ask.clawBack(order, 1_00n))
    }
  }
  const working = Promise.all(Array.from({ length: 8 }, work))
  const off: string[] = []
  let seen = 0n
  for (let n = 0; n < 200; n++) {
    const report = (await provinceReports(sql))['320000']!
    const of = (name: keyof typeof report) => parseYuan(report[name]!)
    const found = of('pool') + of('available') + of('held') + of('approved') - of('clawedBack')
    if (found !== of('appropriated')) off.push(JSON.stringify(report))
    if (of('approved') < seen) off.push(`${of('approved')} after ${seen}`)
    seen = of('approved')
  }
  isOver = true
  await working
  await sql.end()
  t.same(off, [])
  t.ok(seen > 0n)
})
