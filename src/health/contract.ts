import type { Tally } from './tally.js'

/** How the service is, in words of its own: everything but `ok` is answered with 503. */
export interface Health {
  /** `starting`: the database is not there yet, or is being brought up to date; `stopping`: what was accepted is finished. */
  readonly status: 'ok' | 'starting' | 'stopping' | 'unavailable'
  readonly database: 'ok' | 'away' | 'full' | 'read_only'
  /** Which process runs the engine. */
  readonly engine: 'here' | 'elsewhere' | 'nobody'
}

/** What the service can say of itself. */
export interface Vitals {
  health(): Promise<Health>
  /** False before the database is ready and up to date. */
  readonly isOpen: boolean
  readonly tally: Tally
}
