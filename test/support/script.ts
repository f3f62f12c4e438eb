import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Runs a script of `scripts/` to its end, with nothing but this in its environment. */
export async function runScript(name: string, args: readonly string[], env: Record<string, string>) {
  const file = fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url))
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { env: { PATH, ...env } })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}
