import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.js'

/** Each run has its own cluster, named by the process that lives as long as the run: tap, or a file run by hand. */
const rootOf = (run: number) => path.join(tmpdir(), `innovation-voucher-test-${run}`)
const thisRun = process.env.TAP_CHILD_ID === undefined ? process.pid : process.ppid

let cluster: Promise<EmbeddedPostgres> | undefined

/**
 * The test cluster all files of one run share: the first to ask starts it, tap's `after` script stops it.
 * `url` is the superuser's, database `postgres`; every file makes its own database there.
 */
export async function testCluster(): Promise<{ url: string }> {
  cluster ??= startEmbeddedPostgres({ root: rootOf(thisRun), purpose: 'test' }).then((server) => {
    if (!server.adopted) stopWithRun(server.pid)
    return server
  })
  const { url } = await cluster
  return { url }
}

/** Stops and removes the cluster of the tap run with this process id, if there is one. */
export async function stopTestCluster(run: number): Promise<void> {
  const root = rootOf(run)
  if (!existsSync(root)) return
  const server = await startEmbeddedPostgres({ root, purpose: 'test' })
  await server.stop()
  if (existsSync(keeperFile(root))) process.kill(-Number(readFileSync(keeperFile(root), 'utf8')))
  rmSync(root, { recursive: true, force: true })
}

const keeperFile = (root: string) => path.join(root, 'keeper')

/** For runs that never reach `after` (killed, or without tap): a small shell waits for the run's end and cleans up. */
function stopWithRun(server: number): void {
  const root = rootOf(thisRun)
  const script = 'while kill -0 "$1"; do sleep 0.5; done; kill -INT "$2"; sleep 2; rm -rf "$3"'
  const args = ['-c', script, 'keeper', String(thisRun), String(server), root]
  const keeper = spawn('sh', args, { cwd: '/', detached: true, stdio: 'ignore' })
  keeper.unref()
  writeFileSync(keeperFile(root), String(keeper.pid))
}
