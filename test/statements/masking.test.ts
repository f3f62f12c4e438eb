import t from 'tap'
import { type Given, statementOf } from '../../src/statements/file.js'
import { referencesIn } from '../../src/statements/rules.js'
import { uscc } from '../support/scene.js'

/** What is kept of a text of a bank line. */
function kept(reference: string): string {
  const given: Given = {
    at: '/body/1',
    line: 1,
    day: '2026-03-02',
    side: 'debit',
    amount: '1.00',
    serial: '1',
    name: reference,
    reference,
  }
  const head = { account: '32001234', number: '1', opening: '1.00', closing: '0.00' }
  const [line] = statementOf(head, [given]).lines
  t.equal(line!.name, line!.reference, 'a name like a text')
  return line!.reference!
}

t.test('of a number of twelve digits or more only the end is kept, however it is written', async (t) => {
  for (const [text, wanted] of [
    ['账户622202001234', '账户**** 1234'],
    ['62220200123456 x', '**** 3456 x'],
    ['6222 0200 1234 5678', '**** 5678'],
    ['6222  0200  1234  5678', '**** 5678'],
    ['6222-0200-1234-567', '**** 4567'],
    ['６２２２０２００１２３４５６７８', '**** 5678'],
    ['6222－0200－1234–5678', '**** 5678'],
    ['B320509-6222020012345678', 'B**** 5678'],
    ['62220200123', '62220200123'],
    ['某某（上海）有限公司 1234', '某某（上海）有限公司 1234'],
  ] as const) {
    t.equal(kept(text), wanted, text)
  }
})

t.test('references of ours are found in what is kept, in small letters and in full width, too', async (t) => {
  const [code, digits] = [uscc(1), '913100000000000012']
  for (const reference of [
    'B320509-1234-17',
    'B320509-123456789012345-9999',
    'b320509-12-1',
    'Ｂ３２０５０９－１２－１',
    `R320509-${code}`,
    `r320509-${digits}`,
  ]) {
    for (const text of [reference, `${reference} 6222020012345678`, `６２２２０２００１２３４５６７８，${reference}`]) {
      t.same(referencesIn(kept(text)), referencesIn(reference), text)
      t.notMatch(kept(text).normalize('NFKC'), '6222')
    }
  }
  t.same(referencesIn('B320509-1234-17').payments, [{ book: 320509, batch: 1234, line: 17 }], 'they are references')
})
