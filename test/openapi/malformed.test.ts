/** Two thousand of the malformed requests that `npm run malformed` sends by the hundred thousand. */
import t from 'tap'
import { sendMalformed } from '../support/malformed.js'

t.test('malformed requests: never a fault, a hang, another tenant’s data or a token in the log', async (t) => {
  const { findings, statuses } = await sendMalformed(2000, 20261126)
  t.same(findings, [])
  const answered = (from: number, to: number) =>
    [...statuses].reduce((sum, [status, times]) => (status >= from && status < to ? sum + times : sum), 0)
  t.equal(answered(200, 500), 2000)
  t.ok(answered(200, 300) > 100, 'some of them are good')
  t.ok(answered(400, 500) > 1000, 'most of them are not')
})
