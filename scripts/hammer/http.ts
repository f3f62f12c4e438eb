import { Agent, request } from 'node:http'

/** What came back, whole; its body is JSON. */
export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what an answer says is looked at field by field
  readonly body: any
}

export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token?: string
  readonly key?: string
  readonly body?: object
  /** A file, instead of a body. */
  readonly csv?: string
}

const agent = new Agent({ keepAlive: true })

/** Asks one service once; undefined when no whole answer came within `patience` milliseconds: then it hangs up. */
export function ask(port: number, question: Question, patience: number): Promise<Answer | undefined> {
  const { method, path, token, key, body, csv } = question
  const text = csv ?? (body === undefined ? undefined : JSON.stringify(body))
  const type = csv === undefined ? 'application/json' : 'text/csv'
  return new Promise((resolve) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    }
    const sent = request({ port, host: '127.0.0.1', method, path, headers, agent }, (response) => {
      let answered = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        answered += chunk
      })
      response.on('error', () => resolve(undefined))
      response.on('close', () => {
        clearTimeout(timer)
        resolve(response.complete ? { status: response.statusCode!, body: JSON.parse(answered) } : undefined)
      })
    })
    const timer = setTimeout(() => sent.destroy(), patience)
    sent.on('error', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
    sent.end(text)
  })
}
