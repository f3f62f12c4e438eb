/** Amounts in capital characters, as 《支付结算办法》 annex 1 has them. */
import fc from 'fast-check'
import t from 'tap'
import { capital } from '../../src/core/capital.js'
import { MAX_FEN } from '../../src/core/money.js'

t.test('the examples of the annex, and what it says of zeros', async (t) => {
  const table: readonly [bigint, string][] = [
    [1409_50n, '壹仟肆佰零玖元伍角'],
    [6007_14n, '陆仟零柒元壹角肆分'],
    [1680_32n, '壹仟陆佰捌拾元零叁角贰分'],
    [107_000_53n, '壹拾万柒仟元零伍角叁分'],
    [16_409_02n, '壹万陆仟肆佰零玖元零贰分'],
    [325_04n, '叁佰贰拾伍元零肆分'],
    [0n, '零元整'],
    [5n, '伍分'],
    [50n, '伍角'],
    [1_00n, '壹元整'],
    [10_00n, '壹拾元整'],
    [10_05n, '壹拾元零伍分'],
    [100_000_000_00n, '壹亿元整'],
    [100_000_001_00n, '壹亿零壹元整'],
    [100_001_000_00n, '壹亿零壹仟元整'],
    [100_010_000_00n, '壹亿零壹万元整'],
    [1_000_000_000_000_00n, '壹万亿元整'],
    [1_000_000_010_000_00n, '壹万亿零壹万元整'],
    [MAX_FEN, '壹拾万亿元整'],
    [-20_03n, '负贰拾元零叁分'],
  ]
  for (const [fen, text] of table) t.equal(capital(fen), `人民币${text}`, String(fen))
})

/** Reads capital characters: the digits times their places, part by part. */
function read(text: string): bigint {
  const [, sign, yuan, jiao, fen] = /^人民币(负?)(?:(.*)元)?(?:零?(.)角)?(?:零?(.)分)?整?$/.exec(text)!
  const digit = (c: string) => BigInt('零壹贰叁肆伍陆柒捌玖'.indexOf(c))
  const small = (part: string) =>
    [...part.matchAll(/([壹贰叁肆伍陆柒捌玖])([拾佰仟]?)/g)].reduce(
      (sum, [, one, place]) =>
        sum + digit(one!) * 10n ** BigInt(' 拾佰仟'.indexOf(place!) > 0 ? ' 拾佰仟'.indexOf(place!) : 0),
      0n,
    )
  const upToWan = (part: string) => {
    const [left, right] = part.includes('万') ? part.split('万') : ['', part]
    return small(left!) * 10_000n + small(right!)
  }
  const whole = yuan ?? ''
  const [high, low] = whole.includes('亿') ? whole.split('亿') : ['', whole]
  const total = (upToWan(high!) * 100_000_000n + upToWan(low!)) * 100n
  const size = total + (jiao ? digit(jiao) * 10n : 0n) + (fen ? digit(fen) : 0n)
  return sign ? -size : size
}

t.test('can be read back, and has no zero too many', async () => {
  const amount = fc.oneof(
    fc.bigInt({ min: 0n, max: MAX_FEN }),
    // Mostly zeros, which is where mistakes are made.
    fc
      .array(fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.integer({ min: 0, max: 9 })), {
        minLength: 1,
        maxLength: 15,
      })
      .map((all) => BigInt(all.join(''))),
  )
  fc.assert(
    fc.property(amount, (fen) => {
      const text = capital(fen)
      return (
        read(text) === fen &&
        !/零零|零[拾佰仟万亿]|零整/.test(text) &&
        (fen === 0n || !/零元/.test(text)) &&
        text.endsWith('整') === (fen % 100n === 0n)
      )
    }),
    { numRuns: 3000 },
  )
})
