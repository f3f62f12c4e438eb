/** Logs that are sealed while they grow, bundles cut from them, and what becomes of either when somebody changes something. */
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { seals } from '../../src/audit/checks/seals.js'
import type { Actor } from '../../src/core/actor.js'
import { canonical } from '../../src/core/canonical.js'
import { verifierText, verifyCheckpoint } from '../../src/core/checkpoint.js'
import { GrowingTree, hashesOf, isConsistent, leafHash, rootOf, rootOfInclusion } from '../../src/core/merkle.js'
import { ManualClock, systemTimer } from '../../src/core/time.js'
import { bundleOf, entriesOf } from '../../src/core/tlog.js'
import { connect } from '../../src/platform/database.js'
import { writeBundle } from '../../src/seal/bundle.js'
import { proofView } from '../../src/seal/contract.js'
import { checkpointOf, leavesOf } from '../../src/seal/queries.js'
import { Sealer } from '../../src/seal/sealer.js'
import { verifyBundle } from '../../src/seal/verify.js'
import { Witness } from '../../src/seal/witness.js'
import { openSealStore } from '../../src/storage.js'
import { connectAdmin, runEngine } from '../support/engines.js'
import { START } from '../support/lab.js'
import { ask } from '../support/scene.js'
import { runScript } from '../support/script.js'
import { testDatabase, testSeal, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const folder = mkdtempSync(join(tmpdir(), 'seal-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const database = await testDatabase()
const clock = new ManualClock(START)
const running = runEngine(database, clock)
const admin = connectAdmin(database)
const sql = connect(database.databaseUrl, 2)
t.teardown(async () => {
  await running.close()
  await Promise.all([admin.end(), sql.end()])
  await database.drop()
})

const key = testSeal()
const errors: string[] = []
/** A sealer as a process that has just taken over. */
function sealer(witness?: Witness, by = key) {
  const store = openSealStore(() => connect(database.databaseUrl, 1))
  const log = { error: (_: object, message: string) => errors.push(message), warn: () => {} }
  const made = new Sealer({
    store,
    key: by,
    clock,
    timer: systemTimer,
    isInCharge: () => true,
    log,
    ...(witness ? { witness } : {}),
  })
  return { seal: () => made.round(), state: () => made.unsealed, close: () => store.close() }
}
const first = sealer()
t.teardown(() => first.close())

const stage = new Stage(running.engine)
const place = await stage.place({}, {}, 1_000_000_00n)
const BOOK = Number(place.jurisdiction)
/** Appropriations, many at once. */
const grow = (count: number, { jurisdiction, program } = place) =>
  Promise.all(Array.from({ length: count }, () => stage.must(ask.appropriate(jurisdiction, program, 1_00n))))

for (const state of ['filed', 'submitted', 'approved'] as const) await stage.order(place, state)
await first.seal()
const small = (await checkpointOf(sql, BOOK))!
await grow(300)
await first.seal()
const kept = (await checkpointOf(sql, BOOK))!
clock.set(START + 86_400_000)
await grow(250)
await first.seal()
const last = (await checkpointOf(sql, BOOK))!

const bundle = join(folder, 'whole')
await writeBundle(sql, bundle, { book: BOOK, from: 1, isOpened: true }, key)
const verifier = verifierText(key.verifier(BOOK))

/** What is found first in a bundle; 'ok' when nothing is. */
function findingIn(directory: string, brought: Parameters<typeof verifyBundle>[1] = { verifier }): string {
  const off = [...verifyBundle(directory, brought)].find(({ finding }) => finding !== undefined)
  return off ? `${off.name}: ${off.finding}` : 'ok'
}

/** A copy of the bundle in which one file is another. */
function forged(name: string, file: string, change: (bytes: Buffer) => Buffer | string): string {
  const copy = join(folder, name)
  cpSync(bundle, copy, { recursive: true })
  writeFileSync(join(copy, file), change(readFileSync(join(copy, file))))
  return copy
}
const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at]! ^= 1
  return bytes
}

const lines = (change: (all: string[]) => string[]) => (bytes: Buffer) =>
  `${change(bytes.toString().trimEnd().split('\n')).join('\n')}\n`

t.test('leaves are canonical, complete, and name nobody', async (t) => {
  const leaves = await leavesOf(sql, { book: BOOK, after: 0, until: last.size })
  t.equal(leaves.length, last.size)
  const tree = new GrowingTree()
  for (const { leaf } of leaves) {
    tree.add(leafHash(Buffer.from(leaf)))
    t.equal(canonical(JSON.parse(leaf)), leaf)
  }
  t.same(tree.root, last.root, 'the root is that of the leaves')
  const all = leaves.map(({ leaf }) => leaf).join()
  t.notMatch(all, /Chen|Wang|bureau|C-\d/, 'persons and contract numbers are only committed to')
  t.match(leaves.map(({ content }) => content).join(), /"Chen"/)
  const { transfers, entry } = JSON.parse(leaves.find(({ leaf }) => leaf.includes('"kind":"file_order"'))!.leaf)
  t.match(transfers, [{ amount: /^\d+\.\d\d$/, phase: 'hold', type: 'redeem', hold: Number, leg: 1 }])
  t.equal(typeof entry, 'number')
})

t.test('a bundle verifies, also a part of the log, and by the script without a database', async (t) => {
  const said = [...verifyBundle(bundle, { verifier, notes: [small.note, kept.note, last.note] })]
  t.same(
    said.filter(({ finding }) => finding).map(({ finding }) => finding),
    [],
  )
  t.match(said.map(({ says }) => says).join('\n'), /1–\d+\n.*leaves, root[\s\S]*entries 凭证 1–/)
  const readme = readFileSync(join(bundle, 'README.md'), 'utf8')
  t.match(readme, 'Normally debit: appropriation, recoverable, written_off; all others credit')
  t.match(readme, 'but for treasury, position, clearing.')
  const part = join(folder, 'part')
  await writeBundle(sql, part, { book: BOOK, from: 300, to: 400, isOpened: false }, key)
  t.equal(findingIn(part), 'ok')
  t.match([...verifyBundle(part)][0]!.says, /257–400; the log goes on to/)
  const { code, out } = await runScript(
    'audit-verify',
    [bundle, '--key', verifier, '--against', join(bundle, 'checkpoint')],
    {},
  )
  t.equal(code, 0, out)
  const other = await runScript('audit-verify', [forged('script', 'tile/0/000', flipped(9)), '--key', verifier], {})
  const nowhere = await runScript('audit-verify', [bundle, '--against', join(folder, 'nowhere')], {})
  t.match(nowhere, { code: 1, err: /^--against .*nowhere: there is no such file\. .*\n$/ })
  t.match(other, { code: 1, out: /NOT OK {2}tree.*\n.*tile\/0\/000/ })
})

t.test('whatever is changed in a bundle is named', async (t) => {
  const partial = `${last.size - 512}`
  const entries = `tile/entries/002.p/${partial}`
  const cases: [string, string, (bytes: Buffer) => Buffer | string, RegExp][] = [
    [
      'entry',
      'tile/entries/001',
      (b) => b.toString('latin1').replace('"amount":"1.00"', '"amount":"9.00"'),
      /^entries: command 指令 257 /,
    ],
    [
      'transfer',
      'tile/entries/000',
      (b) => Buffer.from(b.toString('latin1').replace('"phase":"hold"', '"phase":"post"'), 'latin1'),
      /^entries: /,
    ],
    [
      'balance',
      'manifest.json',
      (b) => b.toString().replace(/("closing"[\s\S]*?"posted": ")/, '$11'),
      /^balances: .*is stated as 1/,
    ],
    [
      'opening',
      'manifest.json',
      (b) => b.toString().replace('"accounts": {}', '"accounts": { "treasury": { "posted": "1.00", "held": "0.00" } }'),
      /^balances: /,
    ],
    ['tile', 'tile/0/001', flipped(40), /^tree: tile\/0\/001 /],
    ['upper tile', 'tile/1/000.p/2', flipped(40), /^tree: .*tile\/1\/000\.p\/2/],
    [
      'checkpoint',
      'checkpoint',
      (b) => b.toString().replace(`\n${last.size}\n`, `\n${last.size - 1}\n`),
      /^signature: .*not signed/,
    ],
    [
      'older checkpoint',
      `checkpoints/${kept.size}`,
      (b) => b.toString().replace(/\n\d+\n/, '\n299\n'),
      /^checkpoints: .*not signed/,
    ],
    ['last entry', entries, (b) => bundleOf(entriesOf(b)!.slice(0, -1)), /^entries: .*entries, not /],
    [
      'short manifest',
      'manifest.json',
      (b) => b.toString().replaceAll(new RegExp(`"(to|size)": ${last.size}`, 'g'), `"$1": ${last.size - 1}`),
      /^signature: .*leaves, the manifest/,
    ],
    [
      'missing opening',
      'openings.jsonl',
      lines((all) => all.toSpliced(6, 1)),
      /^openings: .*line 行 7: opens command 指令 8, /,
    ],
    [
      'repeated opening',
      'openings.jsonl',
      lines((all) => all.toSpliced(6, 0, all[5]!)),
      /^openings: .*line 行 7: opens command 指令 6, /,
    ],
    ['openings cut off', 'openings.jsonl', lines((all) => all.slice(0, -1)), /^openings: .*ends before command/],
    ['opening too many', 'openings.jsonl', lines((all) => [...all, all[0]!]), /^openings: .*where none follows/],
    ['no opening', 'openings.jsonl', lines((all) => all.with(6, '{}')), /^openings: .*line 行 7: is no opening/],
    [
      'content as salt',
      'openings.jsonl',
      lines((all) => {
        const { seq, salt, content } = JSON.parse(all[6]!)
        const longer = Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(content.slice(0, 1))])
        return all.with(6, JSON.stringify({ seq, salt: longer.toString('base64'), content: content.slice(1) }))
      }),
      /^openings: .*line 行 7: is no opening/,
    ],
    ['content', 'openings.jsonl', (b) => b.toString().replace('Chen', 'Qian'), /^openings: command 指令 \d+ /],
  ]
  for (const [name, file, change, finding] of cases) t.match(findingIn(forged(name, file, change)), finding, name)
  const gone = forged('gone', 'README.md', () => '')
  renameSync(join(gone, entries), join(gone, `tile/entries/002.p/${Number(partial) - 1}`))
  t.match(findingIn(gone), /^entries: .*is missing/)
  t.match(
    findingIn(bundle, { verifier: verifierText(testSeal(8).verifier(BOOK)) }),
    /^signature: .*not signed/,
    'another key',
  )
  t.match(
    findingIn(bundle, { verifier: verifierText(key.verifier(330000)) }),
    /^signature: the key is of/,
    'another book',
  )
})

t.test('a long entry of wrong shape is a finding, though it was signed so', async (t) => {
  const made = join(folder, 'long')
  await writeBundle(sql, made, { book: BOOK, from: 1, to: 1, isOpened: false }, key)
  const [first] = await leavesOf(sql, { book: BOOK, after: 0, until: 1 })
  const { transfers: _, ...rest } = JSON.parse(first!.leaf)
  const leaf = Buffer.from(canonical({ ...rest, transfersHash: createHash('sha256').update('{}').digest('hex') }))
  const root = leafHash(leaf)
  const manifest = JSON.parse(readFileSync(join(made, 'manifest.json'), 'utf8'))
  for (const old of ['tile', 'checkpoints']) rmSync(join(made, old), { recursive: true })
  for (const directory of ['tile/0/000.p', 'tile/entries/000.p', 'long']) {
    mkdirSync(join(made, directory), { recursive: true })
  }
  const parts = {
    'manifest.json': JSON.stringify({ ...manifest, size: 1 }),
    checkpoint: await key.sign({ book: BOOK, size: 1, root }),
    'tile/0/000.p/1': root,
    'tile/entries/000.p/1': bundleOf([leaf]),
    'long/1.json': '{}',
  }
  for (const [file, content] of Object.entries(parts)) writeFileSync(join(made, file), content)
  t.match(findingIn(made), /^entries: long\/1\.json is no list of transfers/)
})

t.test('a fork convicts: a changed past cannot have both checkpoints', async (t) => {
  const other = await key.sign({ book: BOOK, size: kept.size, root: leafHash(Buffer.from('another past')) })
  t.match(findingIn(bundle, { verifier, notes: [other] }), /^brought: FORKED/)
  const stranger = await testSeal(8).sign({ book: BOOK, size: kept.size, root: kept.root })
  t.match(
    findingIn(bundle, { verifier, notes: [stranger] }),
    /^brought: .*not signed/,
    'what others signed convicts nobody',
  )
  const longer = await key.sign({ book: BOOK, size: last.size + 9, root: kept.root })
  t.match(findingIn(bundle, { verifier, notes: [longer] }), /^brought: .*more than this bundle/)
})

t.test('a checkpoint that only an auditor kept is proved by a bundle made against it', async (t) => {
  const leaves = await leavesOf(sql, { book: BOOK, after: 0, until: 100 })
  const root = rootOf(leaves.map(({ leaf }) => leafHash(Buffer.from(leaf))))
  const note = await key.sign({ book: BOOK, size: 100, root })
  const wanted = { book: BOOK, from: 520, isOpened: false }
  const without = join(folder, 'without')
  await writeBundle(sql, without, wanted, key)
  t.match(findingIn(without, { verifier, notes: [note] }), /^brought: .*100 leaves: this bundle has no tiles for it/)
  const against = join(folder, 'against')
  await writeBundle(sql, against, { ...wanted, against: [100, last.size + 9] }, key)
  t.equal(findingIn(against, { verifier, notes: [note] }), 'ok')
  const other = await key.sign({ book: BOOK, size: 100, root: kept.root })
  t.match(findingIn(against, { verifier, notes: [other] }), /^brought: FORKED/)
})

t.test('checkpoints are kept: the last of every day, and those of the last hour', async (t) => {
  const sizes = async () =>
    (await sql<{ size: bigint }[]>`select size from log_checkpoints where book = ${BOOK} order by size`).map((one) =>
      Number(one.size),
    )
  t.same(await sizes(), [kept.size, last.size], 'of the day before only the last')
  await t.rejects(
    admin`select seal_logs('[{"book":${admin.unsafe(String(BOOK))},"after":1,"size":2,"root":"","note":""}]', '[]', '2026-03-02', 0)`,
    { code: 'CV008' },
    'no shorter one is kept',
  )
})

t.test('whatever is changed in the database is found by ledger:verify, and not signed', async (t) => {
  t.equal(await seals(sql), undefined, 'nothing is off')
  const changes: [string, string, string, RegExp][] = [
    [
      'an amount',
      `update transfers set amount = amount + 1 where book = ${BOOK} and seq = 20`,
      `update transfers set amount = amount - 1 where book = ${BOOK} and seq = 20`,
      /command 指令 20: is not the one that was sealed/,
    ],
    [
      'who asked',
      `update commands set actor = actor + 1 where book = ${BOOK} and seq = 40`,
      `update commands set actor = actor - 1 where book = ${BOOK} and seq = 40`,
      /command 指令 40: /,
    ],
    [
      'what was asked',
      `update commands set body = replace(body::text, '1.00', '1.01')::json where book = ${BOOK} and seq = 300`,
      `update commands set body = replace(body::text, '1.01', '1.00')::json where book = ${BOOK} and seq = 300`,
      /command 指令 300: /,
    ],
    [
      'one of the last',
      `update commands set day = day - 1 where book = ${BOOK} and seq = ${last.size}`,
      `update commands set day = day + 1 where book = ${BOOK} and seq = ${last.size}`,
      /not what checkpoint \d+ covers/,
    ],
    [
      'a tile',
      `update log_tiles set hashes = set_byte(hashes, 64, 255 - get_byte(hashes, 64)) where book = ${BOOK} and tile = 1 and level = 0`,
      `update log_tiles set hashes = set_byte(hashes, 64, 255 - get_byte(hashes, 64)) where book = ${BOOK} and tile = 1 and level = 0`,
      /command 指令 259: is not the one that was sealed/,
    ],
    [
      'a checkpoint',
      `update log_checkpoints set root = set_byte(root, 0, 255 - get_byte(root, 0)) where book = ${BOOK} and size = ${last.size}`,
      `update log_checkpoints set root = set_byte(root, 0, 255 - get_byte(root, 0)) where book = ${BOOK} and size = ${last.size}`,
      /the note of checkpoint \d+ is another one/,
    ],
    [
      'the last command',
      `update commands set book = 1 where book = ${BOOK} and seq = ${last.size}; update books set seq = seq - 1 where book = ${BOOK}`,
      `update commands set book = ${BOOK} where book = 1; update books set seq = seq + 1 where book = ${BOOK}`,
      /sealed up to/,
    ],
    ['a salt', `update log_salts set salt = sha256(salt) where book = ${BOOK}`, '', /command 指令 1: /],
  ]
  const [{ salt }] = (await admin`select salt from log_salts where book = ${BOOK}`) as unknown as [{ salt: Buffer }]
  for (const [name, change, back, finding] of changes) {
    await admin.unsafe(change).simple()
    t.match(await seals(sql), finding, name)
    // Whoever takes over looks at the right edge: what it rests on, and all of the last 256.
    if (['one of the last', 'a tile', 'a checkpoint', 'the last command'].includes(name)) {
      const next = sealer()
      const before = errors.length
      await next.seal()
      t.match(errors.slice(before), [/is not the one that was signed.*ledger:verify/], `${name}: it is not sealed on`)
      t.equal(next.state().contradicted, 1)
      t.equal((await checkpointOf(sql, BOOK))!.size, last.size)
      await next.close()
    }
    if (back) await admin.unsafe(back).simple()
    else await admin`update log_salts set salt = ${salt} where book = ${BOOK}`
  }
  t.equal(await seals(sql), undefined, 'all is as it was')
})

t.test('a signature that is not the one that was made is found by ledger:verify', async (t) => {
  t.equal(await seals(sql, key), undefined)
  const notes = await sql<{ size: number; note: string }[]>`
    select size::float8 as size, note from log_checkpoints where book = ${BOOK} order by size`
  const bend = (note: string, at: number) => {
    const start = note.lastIndexOf(' ') + 1
    const signature = Buffer.from(note.slice(start), 'base64')
    signature[at]! ^= 1
    return `${note.slice(0, start)}${signature.toString('base64')}\n`
  }
  // In the signature of each, and in the id of the key.
  const cases = [...notes.map((one) => ({ ...one, at: 40 })), { ...notes.at(-1)!, at: 1 }]
  for (const { size, note, at } of cases) {
    await admin`update log_checkpoints set note = ${bend(note, at)} where book = ${BOOK} and size = ${size}`
    t.match(
      await seals(sql, key),
      new RegExp(`checkpoint ${size} is not signed by log.example/books/${place.jurisdiction}`),
    )
    await admin`update log_checkpoints set note = ${note} where book = ${BOOK} and size = ${size}`
  }
  t.equal(await seals(sql, key), undefined, 'all is as it was')
})

t.test('what was changed long ago is found while the service runs, and nothing is signed over it', async (t) => {
  const running = sealer()
  await running.seal()
  await admin`update transfers set amount = amount + 1 where book = ${BOOK} and seq = 30`
  const before = errors.length
  for (let n = 0; n < 10 && errors.length === before; n++) await running.seal()
  t.match(errors.slice(before), [/command 30 is another one/])
  await grow(1)
  await running.seal()
  t.equal((await checkpointOf(sql, BOOK))!.size, last.size)
  await admin`update transfers set amount = amount - 1 where book = ${BOOK} and seq = 30`
  await running.close()
})

t.test('the last command cannot be taken away or exchanged, also where it fills a tile', async (t) => {
  const there = await stage.place({ jurisdiction: '330000' }, {}, 1_000_00n)
  const book = Number(there.jurisdiction)
  const head = async () => Number((await sql<{ seq: bigint }[]>`select seq from books where book = ${book}`)[0]!.seq)
  const sealedAt = async () => (await checkpointOf(sql, book))!.size
  const exchange = (seq: number, by: number) =>
    admin`update commands set day = day + ${by}::int where book = ${book} and seq = ${seq}`
  const begun = async () => {
    const running = sealer()
    await running.seal()
    return running
  }
  const found = async (running: ReturnType<typeof sealer>, finding: RegExp) => {
    const [before, size] = [errors.length, await sealedAt()]
    await running.seal()
    t.match(errors.slice(before), [finding])
    t.equal(running.state().contradicted, 1)
    t.equal(await sealedAt(), size, 'nothing is signed over it')
    await running.close()
  }

  await grow(9, there)
  const one = await begun()
  const size = await head()
  const short = (by: number) =>
    admin`update books set seq = seq - ${by}::int, entries = entries - ${by}::int where book = ${book}`
  await admin`update commands set book = 1 where book = ${book} and seq = ${size}`
  await short(1)
  await found(one, new RegExp(`it ends at ${size - 1}`))
  await admin`update commands set book = ${book} where book = 1`
  await short(-1)

  for (const full of [size, 256]) {
    await grow(full - (await head()), there)
    // One that has signed it itself, and one that has taken over.
    const signer = await begun()
    const running = await begun()
    t.equal(await sealedAt(), full)
    await exchange(full, -1)
    const next = sealer()
    await grow(1, there)
    for (const one of [signer, running]) await found(one, new RegExp(`command ${full} is another one`))
    await found(next, /it is another one/)
    await exchange(full, 1)
  }
  const last = await begun()
  t.equal(await sealedAt(), 257, 'as it was, it is sealed on')
  await last.close()
})

t.test('two sealers at once: one of them keeps its checkpoint, the other looks again', async (t) => {
  await grow(2)
  const [one, two] = [sealer(), sealer()]
  const came = await Promise.allSettled([one.seal(), two.seal(), first.seal()])
  t.ok(came.some(({ status }) => status === 'fulfilled'))
  for (const { reason } of came.filter((one) => one.status === 'rejected')) t.match(reason, { code: /CV008|23505/ })
  t.equal((await checkpointOf(sql, BOOK))!.size, last.size + 3)
  t.equal(await seals(sql), undefined)
  await Promise.all([one.close(), two.close()])
})

t.test('under a new key, or a new name, heads are signed again and bundles verify', async (t) => {
  const there = await stage.place({ jurisdiction: '330000' }, {}, 1_000_00n)
  const book = Number(there.jurisdiction)
  const old = sealer()
  await old.seal()
  for (const [name, next] of Object.entries({ key: testSeal(8), name: testSeal(7, 'log.example/2') })) {
    const before = (await checkpointOf(sql, book))!
    const wanted = { book, from: 1, isOpened: false }
    await t.rejects(
      writeBundle(sql, join(folder, `early ${name}`), wanted, next),
      /not signed with this key/,
      'no bundle until then',
    )
    const running = sealer(undefined, next)
    await running.seal()
    const again = (await checkpointOf(sql, book))!
    t.match([again.size, again.root], [before.size, before.root], 'a quiet book keeps its head')
    t.ok(verifyCheckpoint(again.note, next.verifier(book)), 'and has it signed again')
    await grow(1, there)
    await running.seal()
    const verifier = verifierText(next.verifier(book))
    const made = join(folder, `new ${name}`)
    await writeBundle(sql, made, wanted, next)
    t.equal(findingIn(made, { verifier }), 'ok')
    t.equal(findingIn(made, {}), 'ok', 'also with its own key')
    t.equal(await seals(sql, next), undefined, 'what older keys have signed before is no finding')
    t.same(readdirSync(join(made, 'checkpoints')), [`${before.size}`], 'older notes are of this key only')
    const keyless = join(folder, `no key, new ${name}`)
    await writeBundle(sql, keyless, wanted, undefined)
    t.match(findingIn(keyless, { verifier }), name === 'name' ? 'ok' : /^checkpoints: .*not signed/)

    // A process of the old key that has not been stopped yet: whichever seals, the log stays one.
    await grow(1, there)
    const came = await Promise.allSettled([old.seal(), running.seal()])
    for (const { reason } of came.filter((one) => one.status === 'rejected')) t.match(reason, { code: /CV008|23505/ })
    await running.seal()
    const head = (await checkpointOf(sql, book))!
    t.equal(head.size, again.size + 2)
    t.equal(await seals(sql), undefined)
    t.equal(await seals(sql, testSeal(9)), undefined, 'of keys that are not at hand nothing is said')
    await running.close()
  }
  const { size } = (await checkpointOf(sql, book))!
  const other = JSON.stringify([{ book, after: size, size, root: '00'.repeat(32), note: '' }])
  await t.rejects(
    admin`select seal_logs(${other}::text::jsonb, '[]', '2026-03-02', 0)`,
    { code: 'CV008' },
    'no other root',
  )
  await old.close()
  const back = sealer()
  await back.seal()
  t.ok(verifyCheckpoint((await checkpointOf(sql, book))!.note, key.verifier(book)))
  await back.close()
})

t.test('a restored ledger is not signed into another future on the machine that knows the first one', async (t) => {
  const file = join(folder, 'sealed.json')
  const one = sealer(new Witness(file))
  await grow(2)
  await one.seal()
  await one.close()
  const size = last.size + 5
  t.equal((await checkpointOf(sql, BOOK))!.size, size)
  const again = sealer(new Witness(file))
  await again.seal()
  t.equal(again.state().contradicted, 0, 'what it has signed is what is there')
  await again.close()
  await admin`delete from log_checkpoints where book = ${BOOK} and size = ${size}`
  const before = errors.length
  const restored = sealer(new Witness(file))
  await restored.seal()
  t.match(errors.slice(before), [new RegExp(`this machine has signed ${size} commands of it`)])
  t.equal((await checkpointOf(sql, BOOK))!.size, last.size + 3, 'nothing was signed')
  await restored.close()
})

t.test(
  'over HTTP: static tiles that lead to the signed head, a proof of one command, and how far sealing is',
  async (t) => {
    const service = await testService()
    t.teardown(() => service.close())
    const at = '310000'
    const asked = async (path: string, actor: Actor, headers = {}) =>
      fetch(`${service.base}${path}`, { headers: { authorization: `Bearer ${service.token(actor)}`, ...headers } })
    const auditor: Actor = { subject: 'Zhou', organisation: 'audit', roles: ['auditor'], jurisdiction: at }
    const log = `/v1/books/${at}/log`
    t.match(await (await asked(`${log}/checkpoint`, auditor)).json(), { code: 'log_unsealed', status: 409 })
    const own = new Stage(service.service.engine)
    const here = await own.place({ jurisdiction: at }, {}, 1_000_00n)
    await Promise.all(Array.from({ length: 260 }, () => own.must(ask.appropriate(at, here.program, 1_00n))))
    const books = (await (await asked('/v1/books', auditor)).json()) as { items: { seq: number }[] }
    const head = books.items[0]!.seq
    let note = ''
    while (!note.includes(`\n${head}\n`)) {
      await systemTimer.sleep(50)
      note = await (await asked(`${log}/checkpoint`, auditor)).text()
    }
    const checkpoint = verifyCheckpoint(note, testSeal().verifier(Number(at)))!
    const tile = async (path: string) => {
      const answer = await asked(`${log}/${path}`, auditor)
      t.match(answer.headers.get('cache-control'), /immutable/, path)
      return Buffer.from(await answer.arrayBuffer())
    }
    const width = head - 256
    const tree = new GrowingTree()
    for (const path of ['tile/entries/000', `tile/entries/001.p/${width}`]) {
      for (const entry of entriesOf(await tile(path))!) tree.add(leafHash(entry))
    }
    t.same(tree.root, checkpoint.root, 'the entries come to the root that was signed')
    const [full] = tree.takeFull()
    t.same(await tile('tile/0/000'), full!.hashes)
    t.same(await tile(`tile/0/001.p/${width}`), tree.edge(0))
    t.same(await tile('tile/1/000.p/1'), tree.edge(1))
    for (const path of [
      'tile/0/001',
      'tile/0/002.p/1',
      `tile/0/001.p/${width + 1}`,
      'tile/entries/001',
      'tile/3/000.p/1',
    ]) {
      t.match(await (await asked(`${log}/${path}`, auditor)).json(), { code: 'log_unsealed' }, path)
    }
    for (const path of ['tile/0/0', 'tile/x/000', 'tile/0/000.p/256']) {
      t.match(await (await asked(`${log}/${path}`, auditor)).json(), { code: 'validation_failed' }, path)
    }
    const stranger = { ...auditor, jurisdiction: '330000' }
    for (const path of ['tile/0/000', `tile/entries/001.p/${width}`, 'commands/3']) {
      t.match(await (await asked(`${log}/${path}`, stranger)).json(), { code: 'not_your_jurisdiction' }, path)
    }
    t.equal((await asked(`${log}/checkpoint`, stranger)).status, 200, 'a head is for everybody to keep')

    const proof = proofView.parse(await (await asked(`${log}/commands/200?since=100`, auditor)).json())
    const bytes = (texts: string[]) => texts.map((text) => Buffer.from(text, 'base64'))
    t.same(rootOfInclusion(199, head, leafHash(Buffer.from(proof.leaf)), bytes(proof.inclusion)), checkpoint.root)
    const { salt, content } = proof.opening!
    const opened = createHash('sha256').update(Buffer.from(salt, 'base64')).update(content)
    t.equal(opened.digest('hex'), JSON.parse(proof.leaf).content, 'what was committed to can be opened')
    const officer: Actor = { ...auditor, subject: 'Wang', organisation: 'bureau', roles: ['officer'] }
    const closed = await (await asked(`${log}/commands/200?since=100`, officer)).json()
    t.same(closed, { ...proof, opening: null }, 'an officer reads the proof, and not what only auditors may read')
    const older = rootOf(hashesOf(full!.hashes).slice(0, 100))
    t.ok(isConsistent({ size: 100, root: older }, checkpoint, bytes(proof.consistency!)))

    const metrics = await (await fetch(`${service.base}/metrics`)).text()
    t.match(metrics, /\nclearing_unsealed_commands 0\n/)
    t.match(metrics, /\nclearing_unsealed_seconds [0-9.]+\n/)
    t.match(metrics, /\nclearing_logs_contradicted 0\n/)
  },
)
