/**
 * JSON in the one form of RFC 8785 (JCS): no blanks, names in the order of their UTF-16 code units, strings and numbers
 * as ECMAScript writes them. Throws TypeError for what has no such form: numbers that are not finite, half of a
 * surrogate pair, undefined.
 */
export function canonical(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return canonicalString(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value === 'object') {
    const fields = Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${fields.map(([name, field]) => `${canonicalString(name)}:${canonical(field)}`).join()}}`
  }
  throw new TypeError(`no canonical JSON for ${typeof value} ${String(value)}`)
}

/** Half of a surrogate pair; read as code points, a whole pair is no such thing. */
const LONE = /\p{Surrogate}/u

function canonicalString(text: string): string {
  if (LONE.test(text)) throw new TypeError('no canonical JSON for half of a surrogate pair')
  return JSON.stringify(text)
}
