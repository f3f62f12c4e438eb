import fc from 'fast-check'
import t from 'tap'
import { checkCharacter, isNumber, numberOf, withoutCheck } from '../../src/core/check-character.js'
import { voucherText } from '../../src/vouchers/contract.js'

const ids = fc
  .tuple(fc.constantFrom('310000', '320509', '330106', '340100'), fc.integer({ min: 1, max: 10 ** 15 - 1 }))
  .map(([book, number]) => `V${book}-${number}`)
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'

t.test('the check character is that of ISO/IEC 7064, MOD 37,36', async (t) => {
  // The example of the Global Release Identifier (IFPI GRid standard).
  t.equal(checkCharacter('A12425GABC1234002'), 'M')
  t.equal(checkCharacter('A1-2425G-ABC1234002'), 'M', 'dashes do not count')
})

t.test('a number has one slip at most unnoticed: none of one character', async (t) => {
  fc.assert(
    fc.property(ids, fc.nat(30), fc.constantFrom(...alphabet), (id, place, other) => {
      const number = numberOf(id)
      const at = place % number.length
      if (number[at] === '-' || number[at] === other) return
      const slipped = number.slice(0, at) + other + number.slice(at + 1)
      // What is no number any more, such as another first letter, is no voucher's either.
      t.notOk(isNumber(slipped) && withoutCheck(slipped) !== slipped, slipped)
    }),
    { numRuns: 2000 },
  )
})

t.test('a voucher is named by its id or by its number, in either case of the last letter', async (t) => {
  fc.assert(
    fc.property(ids, (id) => {
      const number = numberOf(id)
      for (const text of [id, number, `${id}-${checkCharacter(id).toLowerCase()}`]) t.equal(voucherText.parse(text), id)
      const wrong = `${id}-${alphabet[(alphabet.indexOf(checkCharacter(id)) + 1) % 36]}`
      t.match(voucherText.safeParse(wrong), { success: false, error: { issues: [{ message: 'check_character' }] } })
    }),
    { numRuns: 200 },
  )
  t.equal(numberOf('V320509-57'), 'V320509-57-6', 'the example in the documents')
  t.equal(voucherText.parse('not a voucher'), 'not a voucher', 'which is then not found')
})
