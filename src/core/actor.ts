/** Who asks: a person of an organisation, with roles; the jurisdiction is that of a bureau, else absent. */
export interface Actor {
  readonly subject: string
  readonly organisation: string
  readonly jurisdiction?: string
  readonly roles: readonly string[]
  /** Whose deputy this person is today: what they have prepared is not this person's to check. */
  readonly principals?: readonly string[]
  /** Of a firm or a provider: the jurisdictions whose trees its identity platform may speak for; absent when it is all. */
  readonly reach?: readonly string[]
  /** The address the request came from. */
  readonly origin?: string
}
