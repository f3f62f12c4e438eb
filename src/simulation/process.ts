import { Refused } from '../core/refusals.js'
import { isOutage } from '../engine/outage.js'
import { connect } from '../platform/database.js'
import type { Answer, Question } from './apart.js'
import { simulate } from './simulate.js'

/** The process of one simulation: is asked once, answers once, and ends with the service that started it. */

process.on('disconnect', () => process.exit())
// The terminal's Ctrl-C reaches this process, too; the service ends it when it ends itself.
process.on('SIGINT', () => {})

process.once('message', async ({ databaseUrl, asked }: Question) => {
  const sql = connect(databaseUrl, 3)
  const answer = await simulate(sql, asked).then(
    (simulation): Answer => ({ simulation }),
    (error: Error): Answer => {
      if (error instanceof Refused) return { refusal: error.refusal }
      return isOutage(error) ? { refusal: { refused: 'unavailable' } } : { fault: error.stack ?? error.message }
    },
  )
  process.send!(answer)
})
