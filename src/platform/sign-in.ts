/**
 * Which processes are here: each leaves a file named after itself in a folder, and counts for as long as it lives.
 * No lock of the operating system is needed, and nothing that a dead process left behind keeps anybody out.
 */
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'

/** Leaves a file whose name says which process is here; it counts for as long as that process lives. */
export function signIn(folder: string): string {
  const file = path.join(folder, `${ourselves()} ${randomUUID()}`)
  fs.writeFileSync(file, '')
  return file
}

const ourselves = (): string => `${process.pid} ${look(process.pid)?.startedAt}`

/** Takes back all that this process left in `folder`. */
export function signOut(folder: string): void {
  const ours = fs.readdirSync(folder).filter((name) => name.startsWith(`${ourselves()} `))
  for (const name of ours) fs.rmSync(path.join(folder, name), { force: true })
}

/** Whether a living process, or this one a second time, has signed in besides `mine`; forgets the dead. */
export function othersIn(folder: string, mine: string): boolean {
  const living = fs.readdirSync(folder).filter((name) => {
    const [pid, startedAt] = name.split(' ')
    const lives = look(Number(pid))?.startedAt === startedAt
    if (!lives) fs.rmSync(path.join(folder, name), { force: true })
    return lives && name !== path.basename(mine)
  })
  return living.length > 0
}

/** What is known of a running process; nothing when it is gone or a zombie. `startedAt` tells re-used ids apart. */
export function look(pid: number): { startedAt: string; command: string } | undefined {
  try {
    if (process.platform !== 'linux') return lookByPs(pid)
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // from the third field on: the name may hold spaces
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return { startedAt: `${fields[19]}`, command: fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') }
  } catch {
    return undefined
  }
}

function lookByPs(pid: number): { startedAt: string; command: string } | undefined {
  const columns = ['-o', 'stat=', '-o', 'lstart=', '-o', 'command=']
  const line = execFileSync('ps', ['-ww', ...columns, '-p', String(pid)], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', TZ: 'UTC' }, // the same words for the same moment, whoever asks and when
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [state, ...rest] = line.trim().split(/\s+/)
  if (state === undefined || state.startsWith('Z')) return undefined
  return { startedAt: rest.slice(0, 5).join('_'), command: rest.slice(5).join(' ') } // lstart is five words
}
