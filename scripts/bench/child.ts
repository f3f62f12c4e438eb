import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Cluster, Database } from './cluster.js'

export type Command = 'usage' | 'stop'

/** What the service's process has used so far: processor time in microseconds, its largest memory in bytes. */
export interface Usage {
  readonly cpu: number
  readonly peak: number
}

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

/** The service over HTTP in a process of its own, as `npm start` would run it. */
export class ServiceProcess {
  private constructor(
    readonly port: number,
    readonly base: string,
    readonly child: ChildProcess,
    readonly cluster: Cluster,
  ) {}

  /** `queue`: commands that may wait at most, when it is to be overloaded. `isSealed`: it seals its logs. */
  static async start(
    cluster: Cluster,
    database: Database,
    options: { queue?: number; isSealed?: boolean } = {},
  ): Promise<ServiceProcess> {
    const { databaseUrl, migrateUrl } = database
    const child = fork(fileURLToPath(new URL('server.ts', import.meta.url)), {
      cwd: PROJECT,
      // As `npm start` does.
      execArgv: ['--max-semi-space-size=32', '--max-old-space-size=320', '--import', 'tsx'],
      env: { ...process.env, BENCH_SERVICE: JSON.stringify({ databaseUrl, migrateUrl, ...options }) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    cluster.adopt(child.pid!)
    const { port } = await said<{ port: number }>(child)
    return new ServiceProcess(port, `http://127.0.0.1:${port}`, child, cluster)
  }

  async usage(): Promise<Usage> {
    const answered = said<Usage>(this.child)
    this.child.send('usage' satisfies Command)
    return answered
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.send('stop' satisfies Command)
    await ended
    this.cluster.release(this.child.pid!)
  }

  /** A token of the built-in issuer. */
  async token(claims: { sub: string; organisation: string; roles: string[]; jurisdiction?: string }): Promise<string> {
    const { token } = (await this.ask('/tokens', JSON.stringify(claims))) as { token: string }
    return token
  }

  /** One request outside the measured load; throws with what was answered unless it was granted. */
  async ask(path: string, body: string, headers: Record<string, string> = {}): Promise<unknown> {
    const answer = await fetch(this.base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    if (!answer.ok) throw new AskError(answer.status, await answer.text())
    return answer.json()
  }
}

/** A request that was not granted. */
export class AskError extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`the service answered ${status}: ${text.slice(0, 500)}`)
  }
}

/** The next thing the child says; throws when it ends instead. */
async function said<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController()
  const { signal } = ended
  try {
    const exit = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`the service ended with ${code}`)
    })
    const message = once(child, 'message', { signal }).then(([what]) => what as T)
    // Whichever comes second is called off below and fails quietly.
    exit.catch(() => {})
    message.catch(() => {})
    return await Promise.race([message, exit])
  } finally {
    ended.abort()
  }
}
