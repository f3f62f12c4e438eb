import { lookup } from 'node:dns/promises'
import { type ClientRequest, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as encryptedRequest } from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { literalOf, mayReach, type Networks } from './target.js'

/** How one try went. */
export interface Came {
  /** True for a status of 200 to 299. */
  readonly delivered: boolean
  readonly status: number | null
  /** In a few words that name neither address nor secret. */
  readonly error: string | null
  readonly retryAfter: string | undefined
}

/** What a name stands for, as IP addresses. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

const resolveByDns: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}

/** A receiver has so long for all of it, from the look-up of its name to the end of its answer; in milliseconds. */
const PATIENCE = 15_000
/** So many bytes of an answer are read, and dropped. */
const ANSWER_MOST = 16_384
const AGENT = 'innovation-voucher-clearing'

class NotAllowed extends Error {
  readonly code = 'address not allowed'
}

/**
 * Sends one message at a time to an address that somebody else has given. Whatever name it has, the connection goes to
 * the very IP addresses that were looked at for it just then; no redirect is followed.
 */
export class Sender {
  constructor(
    readonly own: Networks,
    readonly resolve: Resolve = resolveByDns,
    readonly patience = PATIENCE,
  ) {}

  /** Tries once; a failure is an answer, too. */
  async send(url: URL, headers: Record<string, string>, body: string, stop?: AbortSignal): Promise<Came> {
    const end = new AbortController()
    const cut = () => end.abort()
    const timer = setTimeout(cut, this.patience)
    stop?.addEventListener('abort', cut)
    try {
      const answer = await this.#post(url, headers, body, end.signal)
      const { statusCode: status = 0 } = answer
      const delivered = status >= 200 && status < 300
      const error = delivered ? null : `HTTP ${status}`
      return { delivered, status, error, retryAfter: answer.headers['retry-after'] }
    } catch (error) {
      const said = end.signal.aborted ? 'no answer in time' : wordOf(error)
      return { delivered: false, status: null, error: said, retryAfter: undefined }
    } finally {
      clearTimeout(timer)
      stop?.removeEventListener('abort', cut)
    }
  }

  /** Resolves when the answer has ended, or was long enough. */
  #post(url: URL, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<IncomingMessage> {
    const isEncrypted = url.protocol === 'https:'
    const literal = literalOf(url)
    if (literal !== undefined && !mayReach(literal, isEncrypted, this.own)) return Promise.reject(new NotAllowed())
    const options: RequestOptions = {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': AGENT,
        ...headers,
      },
      // A connection that is kept would be one whose address was looked at long ago.
      agent: false,
      lookup: this.#lookUp(isEncrypted),
      signal,
    }
    return new Promise((resolve, reject) => {
      const request: ClientRequest = (isEncrypted ? encryptedRequest : plainRequest)(url, options)
      request.on('error', reject)
      request.on('response', (answer) => {
        // Whatever becomes of the rest, the status was said.
        request.off('error', reject).on('error', () => {})
        let read = 0
        answer.on('data', (block: Buffer) => {
          read += block.length
          if (read > ANSWER_MOST) answer.destroy()
        })
        answer.on('error', () => {}).on('close', () => resolve(answer))
      })
      request.end(body)
    })
  }

  /** A name is refused when any of its addresses is: one that is allowed beside it is no accident. */
  #lookUp(isEncrypted: boolean): LookupFunction {
    return (hostname, options, callback) => {
      this.resolve(hostname).then(
        (addresses) => {
          const isGood = addresses.length > 0 && addresses.every((one) => mayReach(one, isEncrypted, this.own))
          if (!isGood) return callback(new NotAllowed(), '', 4)
          const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
          if (options.all) return callback(null, found)
          return callback(null, found[0]!.address, found[0]!.family)
        },
        (error: Error) => callback(error, '', 4),
      )
    }
  }
}

function wordOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name: string }
  return typeof code === 'string' ? code : name
}

/** What webhooks need to be on. */
export interface WebhookSettings {
  /** Secrets are derived from it: at least 32 characters, drawn by chance. */
  readonly key: string
  readonly sender: Sender
}
