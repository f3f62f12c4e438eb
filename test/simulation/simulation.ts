import { jurisdictions } from '../../src/core/division.js'
import { REGION } from '../../src/ledger/book.js'
import { type Answers, answersOf } from './answers.js'
import { Clients, nameOf, textOf } from './clients.js'
import { Broken, judge } from './judge.js'
import { Ledger } from './ledger.js'
import { Network } from './network.js'
import { Calendar, Leases, Node } from './nodes.js'
import type { Fault, Scenario } from './scenario.js'
import { Schedule } from './schedule.js'

/** How long after the last thing that happens to them callers may have to wait, in milliseconds. */
const PATIENCE = 120_000

/** What a run came to. */
export interface Run {
  /** What was broken; undefined when all promises were kept. */
  readonly broken: Broken | undefined
  /** Commands that came to an outcome of their own. */
  readonly decided: number
  readonly accepted: number
  /** A number made of everything that happened. */
  readonly digest: number
}

/** The books that the migrations make. */
export const BOOKS = [REGION, ...jurisdictions.map(({ code }) => Number(code))]

export interface Listener {
  /** Is told what happens, line by line. */
  trace?(line: string): void
  /** Stands between the processes and the database's answers. */
  between?(answers: Answers): Answers
  /** Everything has come to rest, and is judged next. */
  rested?(): void
}

/** Runs a scenario; the same one always runs alike. */
export async function simulate(scenario: Scenario, { trace, between, rested }: Listener = {}): Promise<Run> {
  const schedule = new Schedule()
  const ledger = new Ledger(BOOKS)
  const answers = answersOf(ledger)
  const network = new Network(scenario.seed, schedule, between?.(answers) ?? answers)
  const calendar = new Calendar(schedule)
  const leases = new Leases()
  const nodes: Node[] = []
  for (let n = 0; n < scenario.nodes; n++) nodes.push(new Node(n, scenario, nodes, network, calendar, leases))
  const tell = trace && ((line: string) => trace(`${schedule.now.toFixed(1).padStart(9)} ms  ${line}`))
  const clients = new Clients(scenario, schedule, nodes, ledger, calendar, tell)
  let coming = 0
  let last = 0
  const plan = (at: number, what: string, happen: () => void) => {
    coming++
    last = Math.max(last, at)
    schedule.plan(at, what, () => {
      coming--
      happen()
    })
  }
  const { steps } = scenario
  steps.forEach(({ at }, n) => {
    // What is asked in one moment comes in together.
    if (steps[n - 1]?.at === at) return
    plan(at, 'steps', () => {
      for (let next = n; steps[next]?.at === at; next++) clients.play(steps[next]!)
    })
  })
  for (const fault of scenario.faults) {
    plan(fault.at, fault.what, () => {
      tell?.(wordsOf(fault))
      befall(fault, { schedule, network, nodes, clients })
    })
  }
  let broken: Broken | undefined
  try {
    await schedule.run(() => (coming === 0 && clients.isQuiet) || schedule.now > last + PATIENCE)
    const [stuck] = clients.goHome()
    // Whatever is still on its way arrives, but nobody acts on it any more.
    for (const node of nodes) node.retire()
    await schedule.run(() => false)
    rested?.()
    const struck = clients.callers.find(({ fault }) => fault !== undefined)
    if (struck) throw new Broken('no command meets a fault', `${nameOf(struck)}: ${reasonOf(struck.fault)}`)
    if (stuck) throw new Broken('every caller is answered', `${nameOf(stuck)} is not: ${textOf(stuck)}`)
    const left = clients.callers.find(({ wasLeftInDoubt }) => wasLeftInDoubt)
    if (left && isBrief(scenario)) {
      throw new Broken('nobody is left in doubt by what is soon over', `${nameOf(left)} is: ${textOf(left)}`)
    }
    await judge(ledger, clients.callers)
  } catch (error) {
    broken = error instanceof Broken ? error : new Broken('the simulation itself works', String((error as Error).stack))
  }
  return {
    broken,
    decided: ledger.commands.size + ledger.refusals.size,
    accepted: ledger.commands.size,
    digest: schedule.digest,
  }
}

/** Whether nothing goes wrong for as long as the engine has patience. */
function isBrief({ faults, isLeased }: Scenario): boolean {
  if (isLeased) return faults.length === 0
  return faults.every((fault) => fault.what === 'clock' || !('ms' in fault) || fault.ms < 1000)
}

interface Stage {
  readonly schedule: Schedule
  readonly network: Network
  readonly nodes: readonly Node[]
  readonly clients: Clients
}

function befall(fault: Fault, { schedule, network, nodes, clients }: Stage): void {
  if (fault.what === 'outage') network.cutOff(fault.ms, fault.code)
  else if (fault.what === 'full disk') network.fillDisk(fault.ms)
  else if (fault.what === 'cut') for (const node of nodes) node.cut()
  else {
    const node = nodes[fault.node]!
    if (fault.what === 'crash') {
      const { process } = node
      node.crash()
      clients.lost(process)
      schedule.plan(fault.ms, 'starts again', () => node.start())
    } else if (fault.what === 'hold up') node.process.heldUntil = schedule.now + fault.ms
    else if (fault.what === 'clock') {
      node.offset = fault.by
      schedule.plan(fault.ms, 'the clock is right again', () => {
        node.offset = 0
      })
    } else network.doom(fault)
  }
}

/** A fault in words. */
export function wordsOf(fault: Fault): string {
  switch (fault.what) {
    case 'outage':
      return `the database is away for ${fault.ms} ms (${fault.code})`
    case 'full disk':
      return `the database's disk is full for ${fault.ms} ms`
    case 'cut':
      return 'all links between the engines are lost'
    case 'crash':
      return `engine ${fault.node} dies, and is started again after ${fault.ms} ms`
    case 'hold up':
      return `engine ${fault.node} stands still for ${fault.ms} ms`
    case 'clock':
      return `engine ${fault.node}'s clock is wrong by ${fault.by} ms for ${fault.ms} ms`
    case 'refuse':
      return `engine ${fault.node}'s next ${fault.of} is refused (${fault.code})`
    case 'lose question':
      return `engine ${fault.node}'s next ${fault.of} is lost on its way`
    case 'lose answer':
      return `the answer to engine ${fault.node}'s next ${fault.of} is lost`
    case 'late question':
      return `engine ${fault.node}'s next ${fault.of} arrives after ${fault.ms} ms`
    case 'late answer':
      return `the answer to engine ${fault.node}'s next ${fault.of} takes ${fault.ms} ms`
  }
}

function reasonOf(fault: unknown): string {
  const { message, cause } = fault as Error
  return cause === undefined ? message : `${message} (${cause})`
}
