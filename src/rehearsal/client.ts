import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the service answers
  readonly body: any
}

/** A small JSON client over one kept connection; closes with `close`. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  readonly #base: URL

  constructor(base: string) {
    this.#base = new URL(base)
  }

  get(path: string, token: string): Promise<Answer> {
    return this.#send('GET', path, { authorization: `Bearer ${token}` })
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('POST', path, headers, JSON.stringify(body))
  }

  /** Sends a file as the body of a POST. */
  postFile(path: string, type: string, text: string, headers: Record<string, string>): Promise<Answer> {
    return this.#send('POST', path, headers, text, type)
  }

  close(): void {
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
    type = 'application/json',
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          host: this.#base.hostname,
          port: this.#base.port,
          method,
          path,
          headers: {
            ...headers,
            ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('error', reject)
          response.on('end', () => {
            try {
              resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) })
            } catch (error) {
              reject(error)
            }
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
