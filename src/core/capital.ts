import type { Fen } from './money.js'

const digits = '零壹贰叁肆伍陆柒捌玖'
const places = ['', '拾', '佰', '仟']

/**
 * Writes fen as an amount in capital characters 大写金额, as 《支付结算办法》 (银发〔1997〕393号) annex 1 has it on bills:
 * 人民币 before it, 整 after whole yuan, 零 once for zeros in between. Where the annex leaves a choice, 零 is written
 * between 元 and 角 after a yuan digit 0, not after a 万 digit 0, and 整 is left out after 角. 负 goes before it.
 */
export function capital(fen: Fen): string {
  const size = fen < 0n ? -fen : fen
  const whole = size / 100n
  const [tenths, hundredths] = [Number((size / 10n) % 10n), Number(size % 10n)]
  const text = [
    fen < 0n ? '负' : '',
    whole > 0n ? `${integer(whole)}元` : '',
    tenths > 0 ? `${whole > 0n && whole % 10n === 0n ? '零' : ''}${digits[tenths]}角` : '',
    hundredths > 0 ? `${whole > 0n && tenths === 0 ? '零' : ''}${digits[hundredths]}分` : '',
    size === 0n ? '零元' : '',
    size % 100n === 0n ? '整' : '',
  ]
  return `人民币${text.join('')}`
}

/** A whole number above zero, in parts of four digits with 万 and 亿 behind them. */
function integer(value: bigint): string {
  const parts: { readonly value: number; readonly unit: string }[] = []
  const units = ['', '万', '亿', '万']
  for (let left = value, n = 0; left > 0n; left /= 10_000n, n++) {
    parts.unshift({ value: Number(left % 10_000n), unit: units[n]! })
  }
  let text = ''
  let isGap = false
  for (const { value: part, unit } of parts) {
    if (part === 0) {
      // Of 万亿 the 亿 is said, whatever stands before it.
      if (unit === '亿') text += unit
      isGap = true
      continue
    }
    if (text !== '' && (isGap || part < 1000)) text += '零'
    text += fourDigits(part) + unit
    isGap = false
  }
  return text
}

/** One to four digits, without zeros at its ends. */
function fourDigits(part: number): string {
  let text = ''
  let isGap = false
  for (let place = 3; place >= 0; place--) {
    const digit = Math.floor(part / 10 ** place) % 10
    if (digit === 0) {
      isGap = text !== ''
      continue
    }
    text += `${isGap ? '零' : ''}${digits[digit]}${places[place]}`
    isGap = false
  }
  return text
}
