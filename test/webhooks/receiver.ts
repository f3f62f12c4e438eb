/** A receiver of webhooks on this machine, that answers as it is told and tells what it has heard. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Heard {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>> & { readonly book: string; readonly seq: number }
}

/** A status, or whatever else is done with the request. */
type Answer = number | ((response: ServerResponse) => void)

export interface Receiver {
  readonly url: string
  /** Everything that was heard, in its order. */
  readonly heard: Heard[]
  /** How the next requests are answered; 204 if nothing else was said. */
  answer: (heard: Heard, before: number) => Answer | Promise<Answer>
  /** Resolves when what was heard is like this. */
  until(test: (heard: readonly Heard[]) => boolean): Promise<void>
}

export async function receive(t: Test): Promise<Receiver> {
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const blocks: Buffer[] = []
    request.on('data', (block: Buffer) => blocks.push(block))
    request.on('end', async () => {
      const text = Buffer.concat(blocks).toString()
      const { type, data } = JSON.parse(text) as Pick<Heard, 'type' | 'data'>
      const heard = { path: request.url!, headers: request.headers, text, type, data }
      const before = receiver.heard.filter((one) => one.headers['webhook-id'] === heard.headers['webhook-id']).length
      receiver.heard.push(heard)
      for (const wake of waiting) wake()
      const answer = await receiver.answer(heard, before)
      if (typeof answer === 'number') response.writeHead(answer).end()
      else answer(response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard: [],
    answer: () => 204,
    async until(test) {
      while (!test(receiver.heard)) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake)
            resolve()
          }
          waiting.add(wake)
        })
      }
    },
  }
  return receiver
}

/** The numbers heard of a book, in their order. */
export const numbers = (heard: readonly Heard[], book: string) =>
  heard.filter(({ data }) => data.book === book).map(({ data }) => data.seq)
