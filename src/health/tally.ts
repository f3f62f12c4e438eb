import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { RefusalCode } from '../core/refusals.js'
import type { EngineWatch } from '../engine/engine.js'

/** What a command came to, as it is counted: a refusal by its code. */
type Came = 'accepted' | 'repeated' | 'fault' | RefusalCode

/** What the service counts of itself, for /health and, in the Prometheus text format, for /metrics. */
export class Tally implements EngineWatch {
  readonly registry = new Registry()
  /** Faults since the start, and the last one's number in the log. */
  faults = 0
  lastFault: string | undefined
  /** Counted plainly, because it is done for every command; handed over when somebody asks. */
  readonly #came = new Map<string, number>()
  readonly #batches: Histogram
  readonly #recording: Histogram
  readonly #again: Counter
  readonly #outages: Counter
  readonly #deliveries: Counter
  /** Told of every batch that was recorded. */
  onRecorded: (() => void) | undefined

  readonly #recorded: EngineWatch['recorded'] | undefined

  /** `recorded` is told of every batch, too. */
  constructor(
    gauges: {
      waiting(): number
      inCharge(): boolean
      webhookLag(): number
      unsealed(): { readonly commands: number; readonly seconds: number; readonly contradicted: number }
    },
    recorded?: EngineWatch['recorded'],
  ) {
    this.#recorded = recorded
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    const came = this.#came
    new Counter({
      name: 'clearing_commands_total',
      help: 'Commands answered, by kind and outcome (accepted, repeated, fault, or the code of the refusal)',
      labelNames: ['kind', 'outcome'],
      registers,
      collect() {
        this.reset()
        for (const [name, count] of came) {
          const [kind = '', outcome = ''] = name.split(' ')
          this.inc({ kind, outcome }, count)
        }
      },
    })
    const faults = () => this.faults
    new Counter({
      name: 'clearing_faults_total',
      help: 'Things that should not happen; each has a number under which it is in the log',
      registers,
      collect() {
        this.reset()
        this.inc(faults())
      },
    })
    new Gauge({
      name: 'clearing_waiting_commands',
      help: 'Commands waiting to be decided',
      registers,
      collect() {
        this.set(gauges.waiting())
      },
    })
    new Gauge({
      name: 'clearing_in_charge',
      help: '1 in the process that holds the lease and runs the engine',
      registers,
      collect() {
        this.set(gauges.inCharge() ? 1 : 0)
      },
    })
    new Gauge({
      name: 'clearing_webhook_lag_seconds',
      help: 'Age of the oldest event that waits to be delivered to a webhook',
      registers,
      collect() {
        this.set(gauges.webhookLag() / 1000)
      },
    })
    const sealing = [
      ['clearing_unsealed_commands', 'Commands that no signed checkpoint covers yet', 'commands'],
      ['clearing_unsealed_seconds', 'For how long not everything has been sealed, in the process in charge', 'seconds'],
      ['clearing_logs_contradicted', 'Logs that are not what was signed, and are sealed no more', 'contradicted'],
    ] as const
    for (const [name, help, figure] of sealing) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(gauges.unsealed()[figure])
        },
      })
    }
    this.#deliveries = new Counter({
      name: 'clearing_webhook_deliveries_total',
      help: 'Tries to deliver an event to a webhook, by outcome (delivered, failed, dead: the last one failed)',
      labelNames: ['outcome'],
      registers,
    })
    this.#batches = new Histogram({
      name: 'clearing_batch_commands',
      help: 'Commands recorded in one call',
      buckets: [1, 3, 10, 30, 100, 300, 1000],
      registers,
    })
    this.#recording = new Histogram({
      name: 'clearing_record_seconds',
      help: 'How long one call of record takes',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    })
    this.#again = new Counter({
      name: 'clearing_decided_again_total',
      help: 'Commands decided again because a book had moved',
      registers,
    })
    this.#outages = new Counter({
      name: 'clearing_outages_total',
      help: 'Batches that failed because the database was away, full or busy, and were asked again',
      registers,
    })
  }

  answered(kind: string, came: Came): void {
    const name = `${kind} ${came}`
    this.#came.set(name, (this.#came.get(name) ?? 0) + 1)
  }

  recorded(commands: number, milliseconds: number): void {
    this.#batches.observe(commands)
    this.#recording.observe(milliseconds / 1000)
    this.onRecorded?.()
    this.#recorded?.(commands, milliseconds)
  }

  decidedAgain(commands: number): void {
    this.#again.inc(commands)
  }

  outage(): void {
    this.#outages.inc()
  }

  delivery(outcome: 'delivered' | 'failed' | 'dead'): void {
    this.#deliveries.inc({ outcome })
  }

  fault(id: string): void {
    this.faults++
    this.lastFault = id
  }
}
