import type { Chaos, Recovery } from './chaos.js'
import type { Findings } from './check.js'
import { isReceipt, type Notebook } from './notes.js'
import type { Services } from './services.js'
import { fates } from './wire.js'

/** What the hammer says of a run: a line now and then, the figures and the findings at its end. */

/** The first write after PostgreSQL is back should be acknowledged within this time, in milliseconds. */
const RECOVERY = 3000
/** So many findings of each sort are printed. */
const SHOWN = 5

const dropsOf = ({ wires }: Services) => wires.reduce((sum, { drops }) => sum + drops, 0)

export function soFar({ acknowledged, refused, repeated }: Notebook, services: Services, { done }: Chaos): string {
  return [
    `${acknowledged} accepted, ${refused} refused, ${repeated} repeated`,
    `killed ${done.service} services, ${done.postgres} PostgreSQL, ${done.backend} backends`,
    `${done.freeze} frozen, ${done.stall} stalled, ${done.disk} full disks`,
    `${dropsOf(services)} connections dropped, ${done.clock} clock steps`,
  ].join('; ')
}

/** The figures by name; `died` are services that ended by themselves. */
export function figuresOf(
  notebook: Notebook,
  services: Services,
  { done, recoveries }: Chaos,
  found: Findings,
  died: readonly string[],
) {
  const worst = (test: (recovery: Recovery) => boolean) => {
    const all = recoveries.filter(test).map(({ ms }) => Math.round(ms))
    return all.length > 0 ? Math.max(...all) : null
  }
  return {
    commands: notebook.notes.length,
    acknowledged: notebook.acknowledged,
    refused: notebook.refused,
    statements: [...notebook.banked.values()].filter(({ isAcknowledged }) => isAcknowledged).length,
    periods_paid: notebook.notes.filter(
      ({ outcome }) => outcome && isReceipt(outcome) && outcome.command === 'confirm_payments',
    ).length,
    kills_service: done.service,
    kills_postgres: done.postgres,
    drops: dropsOf(services),
    lost: found.lost.length,
    doubled: found.doubled.length,
    gaps: found.gaps.length,
    wrong: found.wrong.length,
    verify_ok: found.verify.length === 0 ? 1 : 0,
    replay_ok: found.replay.length === 0 ? 1 : 0,
    faults: notebook.faults.length,
    ended_by_itself: died.length,
    recovery_p100_ms: worst(({ isAlone, fault }) => isAlone && fault !== 'disk'),
    recovery_disk_p100_ms: worst(({ isAlone, fault }) => isAlone && fault === 'disk'),
    recovery_amid_faults_p100_ms: worst(({ isAlone }) => !isAlone),
    logged: found.commands,
    unanswered: notebook.notes.filter(({ outcome }) => !outcome).length,
    repeated: notebook.repeated,
    silences: notebook.silences,
    not_now: notebook.notNow,
    kills_backend: done.backend,
    freezes: done.freeze,
    stalls: done.stall,
    disks_full: done.disk,
    clock_steps: done.clock,
    days: done.days,
    ...Object.fromEntries(fates.map((fate) => [`records_${fate}`, services.doom.met[fate]])),
  }
}

/** The figures as a table, and a word when PostgreSQL's return was followed too slowly. */
export function table(figures: ReturnType<typeof figuresOf>): string {
  const lines = Object.entries(figures).map(([name, value]) => {
    const text = value === null ? 'not measured' : typeof value === 'object' ? JSON.stringify(value) : String(value)
    return `  ${name.padEnd(28)} ${text}`
  })
  const { recovery_p100_ms: recovery } = figures
  if (recovery !== null && recovery > RECOVERY) {
    lines.push(
      `\nSLOW 恢复过慢: the first write after PostgreSQL was back took ${recovery} ms, more than ${RECOVERY}. 数据库恢复后首笔写入耗时过长。`,
    )
  }
  return lines.join('\n')
}

/** The first findings of each sort; empty when there are none. */
export function details(sorts: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(sorts)
    .filter(([, findings]) => findings.length > 0)
    .map(([sort, findings]) => [`\n${findings.length} ${sort}`, ...findings.slice(0, SHOWN)].join('\n  '))
    .join('\n')
}
