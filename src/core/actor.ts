/** Who asks: a person of an organisation, with roles; the jurisdiction is that of a bureau, else absent. */
export interface Actor {
  readonly subject: string
  readonly organisation: string
  readonly jurisdiction?: string
  readonly roles: readonly string[]
  /** Whose deputy 代理 this person is now. */
  readonly principals?: readonly string[]
  /** The address the request came from, for the audit trail. */
  readonly origin?: string
}
