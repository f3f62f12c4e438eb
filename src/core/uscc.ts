/** The 31 characters of a unified social credit code; a character's value is its place here (GB 32100-2015, table 2). */
const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const values: ReadonlyMap<string, number> = new Map([...alphabet].map((character, value) => [character, value]))

// 3^i mod 31 for the i-th of the first seventeen characters (GB 32100-2015, table 3).
const weights: readonly number[] = Array.from({ length: 17 }).reduce<number[]>(
  (list) => list.concat(list.length === 0 ? 1 : (list.at(-1)! * 3) % 31),
  [],
)

/**
 * The eighteenth character of a unified social credit code (统一社会信用代码): (31 − Σ value·3^i mod 31) mod 31, as a
 * character (GB 32100-2015). `first17` are the seventeen before it. Throws RangeError when they are not seventeen
 * characters of `0123456789ABCDEFGHJKLMNPQRTUWXY`.
 */
export function usccCheckCharacter(first17: string): string {
  let sum = 0
  for (let place = 0; place < weights.length; place++) {
    const value = values.get(first17.charAt(place))
    if (value === undefined) throw new RangeError(`Not a unified social credit code: ${JSON.stringify(first17)}`)
    sum += value * weights[place]!
  }
  if (first17.length !== weights.length) throw new RangeError(`Not seventeen characters: ${JSON.stringify(first17)}`)
  return alphabet.charAt((31 - (sum % 31)) % 31)
}

/**
 * Whether a text is a unified social credit code: eighteen characters of the standard's alphabet, upper case, the
 * registering office (characters 3–8) in digits, the check character right (GB 32100-2015). The office need not be a
 * division known or in force, and the organisation code inside (characters 9–17) is not checked for itself: both fail
 * in codes that are in use.
 */
export function isUscc(text: string): boolean {
  return (
    typeof text === 'string' &&
    /^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/.test(text) &&
    usccCheckCharacter(text.slice(0, 17)) === text.charAt(17)
  )
}
