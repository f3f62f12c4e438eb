import { parseArgs } from 'node:util'
import { sendMalformed } from '../test/support/malformed.js'

/**
 * npm run malformed -- [--requests 100000] [--seed N]: malformed requests against a service of its own, made from the
 * OpenAPI document. Exit 1 when one is answered with a fault, not at all, or with something of another tenant, or when
 * a token is in the log; the same seed makes the same requests.
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: `${Date.now() % 1e9}` },
  },
})
const started = performance.now()
const { findings, statuses } = await sendMalformed(Number(values.requests), Number(values.seed))
for (const finding of findings.slice(0, 20)) console.error(finding)
const counted = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
console.log(`${counted.join(', ')}; ${findings.length} findings 异常, seed ${values.seed}, ${seconds} s`)
process.exitCode = findings.length > 0 ? 1 : 0
