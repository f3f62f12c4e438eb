import { overdueSource } from './deadlines/owed.js'
import { readStored } from './engine/idempotency.js'
import type { LeaseStore } from './engine/lease.js'
import { isLost } from './engine/outage.js'
import type { Person, Storage } from './engine/storage.js'
import { recordIn } from './ledger/record.js'
import { databaseSource } from './ledger/world.js'
import type { Sql } from './platform/database.js'
import { headsAndSeals, keepSeals, leafHashes, openLogs, tileHashes } from './seal/queries.js'
import type { SealStore } from './seal/sealer.js'
import { type DeliveryStore, keepLanes, readActive, readHeads, readPages } from './webhooks/queries.js'

/** A connection that says nothing for so long is given up, in milliseconds; the server gives up earlier by itself. */
const SILENCE = 15_000
/** The lease must be asked for again while it still lasts. */
const LEASE_SILENCE = 2_000

const opened = (sql: Sql) => ({ sql, facts: databaseSource(sql), overdue: overdueSource(sql) })

/**
 * A connection that is replaced when it is lost or falls silent; what was asked on it fails as an outage. Nothing is
 * asked again of a driver that has lost one: what it remembers of that has been wrong before.
 */
class Line {
  #open: ReturnType<typeof opened>

  constructor(
    readonly connect: () => Sql,
    readonly silence = SILENCE,
  ) {
    this.#open = opened(connect())
  }

  async ask<T>(question: (open: ReturnType<typeof opened>) => Promise<T>): Promise<T> {
    const open = this.#open
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      const fail = () => reject(Object.assign(new Error('the database does not say anything'), { code: 'ETIMEDOUT' }))
      timer = setTimeout(fail, this.silence)
    })
    try {
      return await Promise.race([question(open), silence])
    } catch (error) {
      if (isLost(error) && this.#open === open) {
        this.#open = opened(this.connect())
        void open.sql.end({ timeout: 0 })
      }
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  close(): Promise<void> {
    return this.#open.sql.end({ timeout: 5 })
  }
}

/** The engine's storage in PostgreSQL: one connection records, on another the next batch is read meanwhile. */
export function openStorage(
  connectRecords: () => Sql,
  connectReads: () => Sql = connectRecords,
): Storage & { close(): Promise<void> } {
  const records = new Line(connectRecords)
  const reads = new Line(connectReads)
  return {
    heads: (books) => reads.ask(({ facts }) => facts.heads(books)),
    allHeads: () => reads.ask(({ facts }) => facts.allHeads()),
    holders: (keys) => reads.ask(({ facts }) => facts.holders(keys)),
    facts: (kind, keys) => reads.ask(({ facts }) => facts.facts(kind, keys)),
    overdueOfPool: (...where) => reads.ask(({ overdue }) => overdue.overdueOfPool(...where)),
    overdueOfVoucher: (...where) => reads.ask(({ overdue }) => overdue.overdueOfVoucher(...where)),
    stored: (keys) => reads.ask(({ sql }) => readStored(sql, keys)),
    numbersOf: (people) =>
      reads.ask(
        ({ sql }) => sql<(Person & { actor: number })[]>`
          select organisation, subject, origin, actor
          from actor_numbers(${people.map((p) => p.organisation)}::text[], ${people.map((p) => p.subject)}::text[],
                             ${people.map((p) => p.origin)}::text[])`,
      ),
    record: (parameters) => records.ask(({ sql }) => recordIn(sql, parameters)),
    async close() {
      await Promise.all([records.close(), reads.close()])
    },
  }
}

/** Where the lease is kept: a row of the database, on a connection that waits for nothing else. */
export function openLeaseStore(connect: () => Sql): LeaseStore & { close(): Promise<void> } {
  const line = new Line(connect, LEASE_SILENCE)
  return {
    async hold({ id, address }, milliseconds) {
      const [found] = await line.ask(
        ({ sql }) => sql<{ holder: string; address: string }[]>`
          select holder, address from hold_lease(${id}, ${address}, ${milliseconds})`,
      )
      return { id: found!.holder, address: found!.address }
    },
    close: () => line.close(),
  }
}

/** What the deliverer of webhooks reads and keeps, on a connection of its own. */
export function openDeliveryStore(connect: () => Sql): DeliveryStore & { close(): Promise<void> } {
  const line = new Line(connect)
  return {
    heads: () => line.ask(({ sql }) => readHeads(sql)),
    active: (known) => line.ask(({ sql }) => readActive(sql, known)),
    pages: (places, withThings) => line.ask(({ sql }) => readPages(sql, places, withThings)),
    keep: (steps, moment) => line.ask(({ sql }) => keepLanes(sql, steps, moment)),
    close: () => line.close(),
  }
}

/** What the sealer of the logs reads and keeps, on a connection of its own. */
export function openSealStore(connect: () => Sql): SealStore & { close(): Promise<void> } {
  const line = new Line(connect)
  return {
    heads: () => line.ask(({ sql }) => headsAndSeals(sql)),
    leaves: (stretches) => line.ask(({ sql }) => leafHashes(sql, stretches)),
    tile: (book, place) => line.ask(({ sql }) => tileHashes(sql, book, place)),
    open: (salts) => line.ask(({ sql }) => openLogs(sql, salts)),
    keep: (...seals) => line.ask(({ sql }) => keepSeals(sql, ...seals)),
    close: () => line.close(),
  }
}
