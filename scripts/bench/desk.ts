import { randomBytes } from 'node:crypto'
import type { ServiceProcess } from './child.js'
import { post, steadily, type Volley, volley } from './http.js'
import { oneOf, pooled } from './load.js'
import { contractNo, type Market } from './scene.js'

/** Asks the service over HTTP as the people of a market: each firm and each bureau has its own token. */
export class Desk {
  readonly #tokens = new Map<string, string>()

  private constructor(
    readonly service: ServiceProcess,
    readonly market: Market,
  ) {}

  static async open(service: ServiceProcess, market: Market): Promise<Desk> {
    const desk = new Desk(service, market)
    await pooled(16, market.firms, async ({ uscc }) => {
      desk.#tokens.set(uscc, await service.token({ sub: 'Wang', organisation: uscc, roles: ['enterprise'] }))
    })
    const jurisdictions = [...new Set(market.firms.map(({ jurisdiction }) => jurisdiction))]
    await pooled(16, jurisdictions, async (jurisdiction) => {
      const claims = { sub: 'Li', organisation: `bureau ${jurisdiction}`, roles: ['approver'], jurisdiction }
      desk.#tokens.set(jurisdiction, await service.token(claims))
    })
    return desk
  }

  /** Orders filed. */
  file(connections: number, seconds: number): Promise<Volley> {
    return this.#ask(connections, seconds, [201], () => this.#order())
  }

  /** So many orders filed a second, evenly, until it is over; whatever is answered. */
  fileSteadily(perSecond: number, until: Promise<unknown>): Promise<Volley> {
    return steadily({ port: this.service.port, perSecond, next: () => this.#order() }, until)
  }

  /** Claims approved, each order once, until they are used up. */
  approve(orders: readonly string[], connections: number, seconds: number): Promise<Volley> {
    let next = 0
    return this.#ask(connections, seconds, [200], () => {
      const order = orders[next++]
      if (order === undefined) return undefined
      return post(`/v1/orders/${order}/approval`, this.#tokens.get(order.slice(1, 7))!, '{}')
    })
  }

  /** Orders turned away because nobody we know has signed the token; no two tokens are the same. */
  fileWithBadTokens(connections: number, seconds: number): Promise<Volley> {
    return this.#ask(connections, seconds, [401], () =>
      this.#order({}, (token) => `${token.slice(0, token.lastIndexOf('.'))}.${randomBytes(64).toString('base64url')}`),
    )
  }

  /** Orders turned away because of what they say. */
  fileWithBadBodies(connections: number, seconds: number): Promise<Volley> {
    const bad = { contractAmount: '12.5', category: 'gardening', hurry: true }
    return this.#ask(connections, seconds, [400, 422], () => this.#order(bad))
  }

  /** Orders of which some are turned away because too many wait. */
  fileTooMany(connections: number, seconds: number): Promise<Volley> {
    return this.#ask(connections, seconds, [201, 503], () => this.#order())
  }

  #ask(
    connections: number,
    seconds: number,
    statuses: readonly number[],
    next: () => string | undefined,
  ): Promise<Volley> {
    return volley({ port: this.service.port, connections, seconds, statuses, next })
  }

  #order(over: object = {}, tokenOf = (token: string) => token): string {
    const firm = oneOf(this.market.firms)
    const body = {
      voucher: firm.voucher,
      provider: oneOf(this.market.providers),
      category: 'testing',
      contractNo: contractNo(),
      contractAmount: '1600.00',
      voucherAmount: '800.00',
      signedOn: '2026-01-05',
      relatedParty: false,
      ...over,
    }
    return post('/v1/orders', tokenOf(this.#tokens.get(firm.uscc)!), JSON.stringify(body))
  }
}
