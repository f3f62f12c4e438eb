/** Asks a service over HTTP as anybody, and what takes two persons by two of them. */
import { randomUUID } from 'node:crypto'
import type { Actor } from '../../src/core/actor.js'
import type { TestService } from './service.js'

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any
}
type Ask = (actor: Actor, method: string, path: string, said?: object) => Promise<Answer>

/** Asks once, under a key of its own; `version` of what is said goes as If-Match. */
export async function call(service: TestService, ...[actor, method, path, said]: Parameters<Ask>): Promise<Answer> {
  const { version, ...body } = (said ?? {}) as { version?: unknown }
  const response = await fetch(`${service.base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${service.token(actor)}`,
      'idempotency-key': randomUUID(),
      ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      ...(said ? { 'content-type': 'application/json' } : {}),
    },
    ...(said ? { body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

/** Asks so that it is done: a proposal is approved at once by a colleague, whose answer it is. */
export function askOf(service: TestService): Ask {
  const ask: Ask = async (actor, method, path, said) => {
    const answer = await call(service, actor, method, path, said)
    if (answer.status !== 202) return answer
    const { proposal } = answer.body.result
    return ask({ ...actor, subject: `${actor.subject} 2` }, 'POST', `/v1/proposals/${proposal}/approval`, {})
  }
  return ask
}
