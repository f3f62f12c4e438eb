/** Asks a service over HTTP as anybody, and what takes two persons by two of them. */
import type { Actor } from '../../src/core/actor.js'
import type { TestService } from './service.js'

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any
}
type Ask = (actor: Actor, method: string, path: string, said?: object) => Promise<Answer>

/** `version` of what is said goes as If-Match; a proposal is approved at once by a colleague, whose answer it is. */
export function askOf({ base, token }: TestService): Ask {
  let keys = 0
  const ask: Ask = async (actor, method, path, said) => {
    const { version, ...body } = (said ?? {}) as { version?: unknown }
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token(actor)}`,
        'idempotency-key': `k${++keys}`,
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
        ...(said ? { 'content-type': 'application/json' } : {}),
      },
      ...(said ? { body: JSON.stringify(body) } : {}),
    })
    const answer = { status: response.status, body: await response.json() }
    if (answer.status !== 202) return answer
    const { proposal } = (answer as Answer).body.result
    return ask({ ...actor, subject: `${actor.subject} 2` }, 'POST', `/v1/proposals/${proposal}/approval`, {})
  }
  return ask
}
