import fc from 'fast-check'
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import readExcelFile from 'read-excel-file/node'
import t from 'tap'
import { SheetError } from '../../src/platform/cells.js'
import { readSheet, type SheetFormat } from '../../src/platform/sheets.js'
import { sheetOf } from '../support/sheets.js'

/** Tables as spreadsheets write them: what was rounded, computed or merged is told apart from what was typed. */

const BETWEEN = '|'
const unreadable = { name: 'SheetError' }
const emptyBook = unzipSync(await sheetOf('xlsx', [['x']]))
/** A workbook with this sheet, and with texts that cells refer to by number. */
function workbook(sheetData: string, more: { strings?: string; merged?: string; files?: Record<string, string> } = {}) {
  const sheet = `<worksheet><sheetData>${sheetData}</sheetData>${more.merged ?? ''}</worksheet>`
  const files: Record<string, string> = { 'xl/worksheets/sheet1.xml': sheet, ...more.files }
  if (more.strings) files['xl/sharedStrings.xml'] = more.strings
  const written = Object.entries(files).map(([name, text]) => [name, strToU8(text)])
  return Buffer.from(zipSync({ ...emptyBook, ...Object.fromEntries(written) }))
}
const texts = (format: SheetFormat, bytes: Buffer) =>
  readSheet(format, bytes).rows.map(({ cells }) => cells.map(({ text }) => text))
const csv = (text: string) => texts('csv', Buffer.from(text))

t.test('what is written is read again, in both formats', async (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((one) => one.replaceAll(/[\p{Cc}|]/gu, '').trim())
  const tables = fc.array(fc.array(text, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(tables, fc.constantFrom<SheetFormat>('xlsx', 'csv'), async (rows, format) => {
      const filled = rows.filter((row) => row.some((cell) => cell !== ''))
      // An empty cell at the end of a row is not there in a workbook, and a quote guards what looks like a formula.
      const plain = (row: readonly string[]) =>
        row.map((cell) => (format === 'csv' && /^[=+\-@＝＋－＠]/.test(cell) ? `'${cell}` : cell)).join(BETWEEN)
      const expected = filled.map((row) => plain(row).replace(/\|+$/, ''))
      const found = texts(format, await sheetOf(format, filled)).map((row) => row.join(BETWEEN).replace(/\|+$/, ''))
      if (format === 'csv' && filled.some((row) => row.some((cell) => /^-?\d(\.\d+)?E\+\d+$/i.test(cell)))) return
      t.same(found, expected)
    }),
    { numRuns: 300 },
  )
})

t.test('a text that looks like a character by its number stays what it is', async (t) => {
  const row = ['_x0031_', '_x0031_x0032_', '__x005F_x0031_', '_x00e9_', '_x31_', 'x_x0041_&<']
  t.same(texts('xlsx', await sheetOf('xlsx', [row])), [row])
})

t.test('a workbook is read by other programs: texts are texts, amounts and counts are numbers', async (t) => {
  const rows = [
    ['企业', '', '金额 <元>'],
    ['26312000000000000017', { yuan: '1280.50' }, 5],
  ]
  const [sheet] = await readExcelFile(await sheetOf('xlsx', rows))
  t.same(sheet?.data, [
    ['企业', null, '金额 <元>'],
    ['26312000000000000017', 1280.5, 5],
  ])
})

t.test('nothing that is written is a formula', async (t) => {
  const hostile = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '＝1', '=HYPERLINK("http://x","y")', 'plain']
  const lines = (await sheetOf('csv', [hostile])).toString()
  for (const cell of hostile.slice(0, -1)) {
    const quoted = `'${cell}`.replaceAll('"', '""')
    t.ok(lines.includes(quoted), JSON.stringify(cell))
  }
  t.match((await sheetOf('csv', [['x;=1+1', 'x\t=1+1']])).toString(), '"x;=1+1","x\t=1+1"', 'behind a separator either')
  const sheet = strFromU8(unzipSync(await sheetOf('xlsx', [hostile]))['xl/worksheets/sheet1.xml']!)
  t.notMatch(sheet, /<f[ >]/)
  t.equal(sheet.match(/t="inlineStr"/g)?.length, hostile.length, 'every cell is text')
})

t.test('CSV as it comes: separators, quotes, ends of lines, encodings', async (t) => {
  const rows = [
    ['企业', '金额'],
    ['甲,乙', '1.00'],
  ]
  t.same(csv('企业,金额\r\n"甲,乙",1.00\r\n'), rows)
  t.same(csv('\ufeff企业;金额\n"甲,乙";1.00'), rows, 'semicolons, a mark of UTF-8, no last end of line')
  t.same(csv('企业\t金额\n甲,乙\t 1.00 '), rows, 'tabs')
  t.same(csv('a,"say ""yes"", or\nno"\nb,c'), [
    ['a', 'say "yes", or\nno'],
    ['b', 'c'],
  ])
  const gbk = Buffer.from([0xc6, 0xf3, 0xd2, 0xb5, 0x2c, 0x31, 0x0a])
  t.same(texts('csv', gbk), [['企业', '1']], 'GB 18030, of which GBK is a part')
  const wide = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('企业\t1\n', 'utf16le')])
  t.same(texts('csv', wide), [['企业', '1']], 'UTF-16, as Excel saves “Unicode text”')
  t.same(
    readSheet('csv', Buffer.from('a\n\n,,\n"x\ny"\nb')).rows.map(({ row }) => row),
    [1, 4, 6],
    'empty rows are left out, and rows keep the number of their line',
  )
  for (const bad of ['a,"b', 'a,"b"c', '\0PK']) t.throws(() => csv(bad), unreadable, JSON.stringify(bad))
  t.throws(() => texts('csv', Buffer.from([0x61, 0xff, 0xff, 0x0a])), unreadable, 'no text in any encoding')
})

t.test('a number with more digits than a spreadsheet keeps is not taken for what was typed', async (t) => {
  const cell = (v: string, type = '') =>
    readSheet('xlsx', workbook(`<row><c${type}><v>${v}</v></c></row>`)).rows[0]!.cells[0]
  for (const v of ['913205091234567000', '9.1320509123456704E+17', '1000000000000000', '-1E+15']) {
    t.match(cell(v), { fault: 'number_rounded' }, v)
  }
  t.same(cell('999999999999999'), { text: '999999999999999' }, 'fifteen are kept')
  t.same(cell('1280.0999999999999'), { text: '1280.1' }, 'the number that was typed')
  t.same(cell('1280'), { text: '1280' })
  t.same(cell('913205091234567000', ' t="str"'), { text: '913205091234567000' }, 'as text it is what it is')
  for (const shown of ['9.13205E+17', '1E+15']) {
    t.match(readSheet('csv', Buffer.from(`a,${shown}`)).rows[0]!.cells[1], { fault: 'number_rounded' }, shown)
  }
})

t.test('formulas are told apart, whatever they came to', async (t) => {
  const { rows } = readSheet(
    'xlsx',
    workbook('<row><c><f>SUM(B1:B9)</f><v>1280</v></c><c><f/></c><c><v>1</v></c></row>'),
  )
  t.same(rows[0]!.cells, [{ text: '1280', fault: 'formula_cell' }, { text: '', fault: 'formula_cell' }, { text: '1' }])
})

t.test('merged cells are named by their range', async (t) => {
  const merged = '<mergeCells count="2"><mergeCell ref="A1:D1"/><mergeCell ref="A3:A5"/></mergeCells>'
  t.same(readSheet('xlsx', workbook('<row><c><v>1</v></c></row>', { merged })).merged, [
    { range: 'A1:D1', lastRow: 1 },
    { range: 'A3:A5', lastRow: 5 },
  ])
})

t.test('cells where they stand: gaps, shared texts, other prefixes, references', async (t) => {
  const strings = '<sst><si><t>甲&amp;乙</t></si><si><r><t>丙</t></r><rPh><t>bing</t></rPh><r><t>丁</t></r></si></sst>'
  const data =
    '<x:row r="7"><x:c r="B7" t="s"><x:v>0</x:v></x:c><x:c r="D7" t="s"><x:v>1</x:v></x:c>' +
    '<x:c r="E7" t="inlineStr"><x:is><x:t xml:space="preserve"> &#x4f01;_x0041_ </x:t></x:is></x:c></x:row>'
  t.same(readSheet('xlsx', workbook(data, { strings })).rows, [
    { row: 7, cells: [{ text: '' }, { text: '甲&乙' }, { text: '' }, { text: '丙丁' }, { text: '企A' }] },
  ])
})

t.test('ten thousand empty rows are none', async (t) => {
  const styled = Array.from({ length: 10_000 }, (_, n) => `<row r="${n + 2}"><c r="A${n + 2}" s="1"/></row>`).join('')
  const far = '<row r="1048576"><c r="A1048576" t="str"><v> </v></c></row>'
  t.same(readSheet('xlsx', workbook(`<row r="1"><c t="str"><v>x</v></c></row>${styled}${far}`)).rows, [
    { row: 1, cells: [{ text: 'x' }] },
  ])
})

t.test('what is no workbook, or one that means harm, is refused before it takes any room', async (t) => {
  const row = '<row><c><v>1</v></c></row>'
  const bomb = workbook(row, { files: { 'xl/sharedStrings.xml': ' '.repeat(20_000_000) } })
  t.ok(bomb.length < 100_000, 'small as it comes')
  const lying = Buffer.from(workbook(`<row><c t="str"><v>${'x'.repeat(100_000)}</v></c></row>`))
  const said = lying.lastIndexOf(Buffer.from('xl/worksheets/sheet1.xml')) - 46 + 24
  lying.writeUInt32LE(100, said)
  const entity = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
  const cases: Record<string, Buffer> = {
    'not a zip': Buffer.from('enterprise,program'),
    nothing: Buffer.alloc(0),
    'half of it': workbook(row).subarray(0, 400),
    'another zip': Buffer.from(zipSync({ 'a.txt': strToU8('x') })),
    'a zip bomb': bomb,
    entities: workbook(row, { files: { 'xl/sharedStrings.xml': `${entity}<sst><si><t>&b;</t></si></sst>` } }),
  }
  for (const [title, bytes] of Object.entries(cases)) t.throws(() => readSheet('xlsx', bytes), unreadable, title)
  const found = readSheet('xlsx', lying).rows.flatMap(({ cells }) => cells.map(({ text }) => text.length))
  t.ok(
    found.every((length) => length <= 100),
    'one that lies about its size is cut at what it says',
  )
})

t.test('a file of megabytes is read in one pass, whatever is in it', async (t) => {
  // A reader that looks at every character from every other one would need days for so many, so the test would be ended.
  const many = 4_000_000
  const read = (data: string, more?: Parameters<typeof workbook>[1]) => {
    try {
      return readSheet('xlsx', workbook(data, more)).rows.length
    } catch (error) {
      t.type(error, SheetError)
      return (error as Error).message
    }
  }
  const row = '<row><c t="str"><v>x</v></c></row>'
  t.equal(read(`${row}<${'a'.repeat(many)}`), 1, 'a tag that does not end')
  t.equal(read(`${row}<${'a:'.repeat(many / 2)}`), 1, 'nor its prefix')
  t.equal(read(`${row}<c r="${'"r="'.repeat(many / 4)}`), 1, 'nor an attribute')
  t.equal(read(`${row}<c ${'r ='.repeat(many / 3)}/>`), 1)
  t.equal(read(row, { merged: `<mergeCell ref="${'1'.repeat(many)}A"/>` }), 1, 'a range that is none')
  t.equal(read(`<row><c t="str"><v>${'_x00'.repeat(many / 4)}</v></c></row>`), 'a text is too long')
  const [sheets, none] = [`<sheet r:id="a"/>`.repeat(many / 20), '<Relationship Id="b"/>'.repeat(many / 20)]
  t.equal(read(row, { files: { 'xl/workbook.xml': sheets, 'xl/_rels/workbook.xml.rels': none } }), 'no sheet')
  const strings = `<sst><si><t>${'x'.repeat(many)}</t></si></sst>`
  t.equal(read('<row><c t="s"><v>0</v></c></row>', { strings }), 'a text is too long', 'that stood in every cell')
  t.equal(read('<row><c r="AX1"/></row>'.repeat(300_000)), 0, 'rows with nothing in them take no room')
  t.equal(read('<row><c r="AX1"><v>1</v></c></row>'.repeat(300_000)), 'too many rows')
  t.same(readSheet('xlsx', workbook(row, { merged: '<mergeCell ref="A2:B1048576"/>' })).merged, [
    { range: 'A2:B1048576', lastRow: 1_048_576 },
  ])
  for (const text of ['"'.repeat(many), ' '.repeat(many), `1${'E+'.repeat(many / 2)}`, '1'.repeat(many)]) {
    t.equal(csv(text).length, text.trim() === '' ? 0 : 1)
  }
})

t.test('malformed files are refused or read, and never anything else', async (t) => {
  const good = workbook('<row><c t="s"><v>0</v></c><c><v>1</v></c></row>', { strings: '<sst><si><t>x</t></si></sst>' })
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (slips) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of slips) bytes[at] = value
      try {
        t.type(readSheet('xlsx', bytes).rows, Array)
      } catch (error) {
        t.type(error, SheetError)
      }
    }),
    { numRuns: 500 },
  )
})
