import { Auditor } from './auditors.js'
import { Cast } from './cast.js'
import { check, type Findings } from './check.js'
import { Client } from './clients.js'
import { Dice } from './dice.js'
import { Notebook } from './notes.js'
import { type Database, Services } from './services.js'

const CLIENTS = 40
const AUDITORS = 3
/** After the last fault every client is answered within this time, in milliseconds. */
const PATIENCE = 60_000
/** Services that are asked to stop do so within this time, in milliseconds. */
const STOP_WITHIN = 20_000

interface Plan {
  readonly database: Database
  readonly services: number
  readonly seed: number
  say(text: string): void
}

/** Services on a database and many clients, while something is broken; then everything that was answered is looked for. */
export class Run {
  readonly services: Services
  readonly notebook: Notebook
  /** Services that ended without being killed. */
  readonly died: string[] = []

  constructor(readonly plan: Plan) {
    this.services = new Services(plan.database, plan.services, (name, how) => this.died.push(`${name}: ${how}`))
    this.notebook = new Notebook(this.services)
  }

  /** Lets everybody work while `breaks` runs, then stops them in order and compares. */
  async during(breaks: () => Promise<void>): Promise<Findings> {
    const { services, notebook } = this
    const { seed, say, database } = this.plan
    await services.open()
    const cast = await Cast.gather(services.all[0]!.port)
    await cast.open(notebook, new Dice(seed, 'opening'))
    say(`opened: ${services.all.length} services, ${CLIENTS} clients`)

    const auditors = Array.from({ length: AUDITORS }, (_, n) => new Auditor(`auditor-${n}`, seed, cast, notebook))
    const clients = Array.from({ length: CLIENTS }, (_, n) => new Client(`client-${n}`, seed, cast, notebook))
    let isOver = false
    const working = Promise.all([...clients, ...auditors].map((one) => one.run(() => isOver)))
    // A client that fails is a fault of the hammer: nothing else would end it.
    await Promise.race([breaks(), working])
    isOver = true
    notebook.deadline = performance.now() + PATIENCE
    say('everything is whole again; the last ones are answered')
    await working
    if (!(await services.stop(STOP_WITHIN))) this.died.push('a service did not stop in order')
    return check(database.databaseUrl, notebook, auditors, say)
  }

  /** Everything that was found, by what is wrong. */
  sorts({ commands: _, ...found }: Findings): Readonly<Record<string, readonly string[]>> {
    return { ...found, faults: this.notebook.faults, 'ended by itself': this.died }
  }
}
