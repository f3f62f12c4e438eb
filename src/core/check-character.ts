const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const MODULUS = alphabet.length

/**
 * The check character of a text of digits and capital letters (ISO/IEC 7064, MOD 37,36): it finds every single wrong
 * character and nearly every swap of two neighbours. Characters outside of that alphabet, such as dashes, do not count.
 */
export function checkCharacter(text: string): string {
  let product = MODULUS
  for (const character of text) {
    const value = alphabet.indexOf(character)
    if (value < 0) continue
    const sum = (product + value) % MODULUS || MODULUS
    product = (sum * 2) % (MODULUS + 1)
  }
  return alphabet.charAt((MODULUS + 1 - product) % MODULUS)
}

/** A voucher's id as it is printed and read aloud: with its check character, `V320509-57-6`. */
export const numberOf = (id: string) => `${id}-${checkCharacter(id)}`

const PRINTED = /^(V\d{6}-[1-9]\d{0,14})-([0-9A-Za-z])$/

/** Whether a text ends with the check character that fits, or has none. */
export function isNumber(text: string): boolean {
  const [, id, given] = PRINTED.exec(text) ?? []
  return id === undefined || checkCharacter(id) === given?.toUpperCase()
}

/** A voucher's id without its check character; any other text as it is. */
export const withoutCheck = (text: string) => PRINTED.exec(text)?.[1] ?? text
