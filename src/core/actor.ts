/** Who asks: a person of an organisation, with roles; the jurisdiction is that of a bureau, else absent. */
export interface Actor {
  readonly subject: string
  readonly organisation: string
  readonly jurisdiction?: string
  readonly roles: readonly string[]
}
