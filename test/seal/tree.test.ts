/** The pure half of proof, held against published vectors and against itself. */
import { createHash, createPrivateKey } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { canonical } from '../../src/core/canonical.js'
import {
  isSignedBy,
  parseCheckpoint,
  parseVerifier,
  signCheckpoint,
  verifierText,
  verifyCheckpoint,
} from '../../src/core/checkpoint.js'
import {
  consistencyRanges,
  edgeOf,
  GrowingTree,
  type Hash,
  inclusionRanges,
  isConsistent,
  leafHash,
  nodesOf,
  type Range,
  rootOf,
  rootOfInclusion,
  rootOfTile,
  TILE,
  tileOfNode,
} from '../../src/core/merkle.js'
import { bundleOf, entriesOf, parseTilePath, tilePath } from '../../src/core/tlog.js'
import { convict } from '../../src/seal/convict.js'
import { ProvenTree, TileFault } from '../../src/seal/tree.js'

const hex = (hash: Buffer | undefined) => hash?.toString('hex')
const over = (leaves: readonly Hash[], ranges: readonly Range[]) =>
  ranges.map(({ start, end }) => rootOf(leaves.slice(start, end)))

/** The inputs, roots and proofs that Certificate Transparency's own tests use (merkletree/merkle_verifier_test). */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const leaves = inputs.map((input) => leafHash(Buffer.from(input, 'hex')))
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

t.test('RFC 6962: the tree of the well-known leaves', async (t) => {
  t.equal(hex(rootOf([])), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'of none')
  t.same(
    roots.map((_, n) => hex(rootOf(leaves.slice(0, n + 1)))),
    roots,
  )
  const tree = new GrowingTree()
  for (const [n, leaf] of leaves.entries()) {
    tree.add(leaf)
    t.equal(hex(tree.root), roots[n], `grown to ${n + 1}`)
  }
  t.same(
    over(leaves, inclusionRanges(0, 8)).map(hex),
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
    'the path of the first leaf of eight',
  )
  t.same(
    over(leaves, inclusionRanges(5, 8)).map(hex),
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
    'of the sixth',
  )
  t.same(
    over(leaves, consistencyRanges(6, 8)).map(hex),
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
    'from six to eight',
  )
  t.same(
    over(leaves, consistencyRanges(2, 5)).map(hex),
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
    'from two to five',
  )
})

const many = Array.from({ length: 70_000 }, (_, n) => leafHash(Buffer.from(String(n))))

t.test('every proof leads to the root, and no other leaf, root or proof does', async () => {
  const sizes = fc.integer({ min: 1, max: 400 })
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), (size, at, bit) => {
      const list = many.slice(0, size)
      const index = at % size
      const proof = over(list, inclusionRanges(index, size))
      const root = rootOf(list)
      if (!rootOfInclusion(index, size, list[index]!, proof)?.equals(root)) return false
      const changed = proof.map((hash) => Buffer.from(hash))
      const victim = changed[bit % Math.max(1, changed.length)]
      if (victim) victim[bit % 32]! ^= 1
      const isOther = !victim || !rootOfInclusion(index, size, list[index]!, changed)!.equals(root)
      return isOther && !rootOfInclusion(index, size, many[size]!, proof)!.equals(root)
    }),
  )
  fc.assert(
    fc.property(sizes, fc.nat(), (size, at) => {
      const from = 1 + (at % size)
      const [older, newer] = [rootOf(many.slice(0, from)), rootOf(many.slice(0, size))]
      const proof = over(many.slice(0, size), consistencyRanges(from, size))
      const forked = rootOf([...many.slice(0, from - 1), many[69_999]!])
      return (
        isConsistent({ size: from, root: older }, { size, root: newer }, proof) &&
        !isConsistent({ size: from, root: forked }, { size, root: newer }, proof) &&
        !isConsistent({ size: from, root: older }, { size, root: forked }, proof) &&
        !isConsistent({ size, root: newer }, { size: from - 1, root: older }, proof)
      )
    }),
  )
})

/** A log as it is published, read by name. */
function published(size: number, list = many) {
  const tree = new GrowingTree()
  const files = new Map<string, Buffer>()
  for (const leaf of list.slice(0, size)) tree.add(leaf)
  for (const { level, tile, hashes } of tree.takeFull()) files.set(tilePath({ level, tile, width: TILE }), hashes)
  for (const { level, tile, width } of edgeOf(size)) {
    if (width > 0) files.set(tilePath({ level, tile, width }), tree.edge(level))
  }
  return { files, root: tree.root, proven: () => new ProvenTree(size, tree.root, (name) => files.get(tilePath(name))) }
}

t.test('tiles lead to the root; a tree goes on from its edge as if it had never stopped', async (t) => {
  const whole = published(66_000)
  const known = new Map([1, 3, 256, 300, 65_536].map((size) => [size, published(size).root]))
  for (const size of [1, 255, 256, 257, 65_535, 65_536, 66_000]) {
    const { root, proven, files } = published(size)
    const tree = proven()
    for (let tile = 0; tile * TILE < size; tile++) tree.tile(0, tile)
    for (const older of [1, 3, 256, 300, 65_536].filter((one) => one <= size)) {
      t.same(tree.rootAt(older), known.get(older), `${size}: its root at ${older}`)
    }
    const again = GrowingTree.of(
      size,
      edgeOf(size).map((one) => files.get(tilePath(one)) ?? Buffer.alloc(0)),
    )
    t.same(again.root, root, `${size} from its edge`)
    if (size < 66_000) {
      for (const leaf of many.slice(size, 66_000)) again.add(leaf)
      t.same(again.root, whole.root, `${size} and on to 66000`)
    }
    for (const { start, end } of [...inclusionRanges(size >> 1, size), ...consistencyRanges(1 + (size >> 1), size)]) {
      for (const node of nodesOf({ start, end })) {
        const { level, tile: n, from, count } = tileOfNode(node)
        const found = rootOfTile(tree.tile(level, n), from, count)
        const first = node.index * 2 ** node.height
        t.same(found, rootOf(many.slice(first, first + 2 ** node.height)), `${size}: node ${node.height}/${node.index}`)
      }
    }
  }
})

t.test('a tile that was changed, cut or taken away is named', async (t) => {
  const { files, proven } = published(66_000)
  for (const [path, hashes] of [...files]) {
    if (!['tile/0/003', 'tile/0/257.p/208', 'tile/1/000', 'tile/1/001.p/1', 'tile/2/000.p/1'].includes(path)) continue
    const readAll = () => {
      const tree = proven()
      for (const tile of [3, 200, 257]) tree.tile(0, tile)
    }
    const changed = Buffer.from(hashes)
    changed[7]! ^= 1
    for (const [what, bytes] of [
      ['changed', changed],
      ['cut', hashes.subarray(32)],
      ['gone', undefined],
    ] as const) {
      if (bytes) files.set(path, bytes)
      else files.delete(path)
      try {
        readAll()
        t.fail(`${path} ${what}`)
      } catch (error) {
        t.ok(error instanceof TileFault && error.message.includes(path), `${path} ${what}: ${error}`)
      }
    }
    files.set(path, hashes)
    readAll()
  }
})

// C2SP tlog-tiles, "Merkle Tree": 1234067 is x001/x234/067; partial tiles end with .p/W.
t.test('paths of tiles are those of C2SP tlog-tiles', async (t) => {
  const table = [
    [{ level: 0, tile: 0, width: 256 }, 'tile/0/000'],
    [{ level: 0, tile: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 0, tile: 273, width: 112 }, 'tile/0/273.p/112'],
    [{ level: 1, tile: 1, width: 17 }, 'tile/1/001.p/17'],
    [{ level: 2, tile: 0, width: 1 }, 'tile/2/000.p/1'],
    [{ level: 'entries', tile: 1_234_067, width: 8 }, 'tile/entries/x001/x234/067.p/8'],
    [{ level: 'entries', tile: 1000, width: 256 }, 'tile/entries/x001/000'],
  ] as const
  for (const [name, path] of table) {
    t.equal(tilePath(name), path)
    const [, level, ...rest] = path.split('/')
    t.same(parseTilePath(level!, rest.join('/')), name, path)
  }
  for (const path of [
    '0/0',
    '0/x000/001',
    '0/x001/x234/x067',
    '0/001/234',
    '0/000.p/0',
    '0/000.p/256',
    '0/000.p/08',
    '64/000',
    'entry/000',
    '0/../000',
  ]) {
    const [level, ...rest] = path.split('/')
    t.equal(parseTilePath(level!, rest.join('/')), undefined, path)
  }
})

t.test('bundles of entries', async (t) => {
  const entries = ['a', '', '科技创新券'].map((text) => Buffer.from(text))
  const bundle = bundleOf(entries)
  t.equal(bundle.subarray(0, 5).toString('hex'), '0001610000')
  t.same(entriesOf(bundle), entries)
  t.equal(entriesOf(bundle.subarray(0, -1)), undefined, 'cut off')
  t.throws(() => bundleOf([Buffer.alloc(65_536)]), /65536 bytes/)
})

// The example of C2SP signed-note, which is that of golang.org/x/mod/sumdb/note.
t.test('a signed note is that of C2SP signed-note', async (t) => {
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  const signature =
    'PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM='
  const note = `${text}\n— ${signature}\n`
  const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const verifier = parseVerifier(key)!
  t.equal(verifierText(verifier), key)
  t.ok(isSignedBy(note, verifier))
  t.notOk(isSignedBy(note.replace('answer', 'Answer'), verifier), 'another text')
  t.notOk(isSignedBy(note.slice(0, -1), verifier), 'without its end')
  t.notOk(isSignedBy(`${text}\n`, verifier), 'without a signature')
  t.notOk(isSignedBy(note.replace('PeterNeumann', 'PaulNeumann'), verifier), 'of another name')
  t.ok(isSignedBy(`${note}— Somebody AAAAAAAA\n`, verifier), 'beside one that nobody knows')
  t.equal(parseVerifier(key.replace('c74f20a3', 'c74f20a4')), undefined, 'the id is that of the key')
  t.equal(parseVerifier('PeterNeumann'), undefined)
})

const pkcs8 = (seed: number) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  })
const log = 'log.example/books/310000'
/** RFC 8032 keys are their seed; the verifier of a seed. */
const verifierOf = async (seed: number) => {
  const note = await signCheckpoint({ origin: log, size: 1, root: leaves[0]! }, pkcs8(seed))
  return { note, verifier: parseVerifier(vkey(seed))! }
}
function vkey(seed: number) {
  const jwk = pkcs8(seed).export({ format: 'jwk' }) as { x: string }
  const key = Buffer.concat([Buffer.of(1), Buffer.from(jwk.x, 'base64url')])
  const id = createHash('sha256').update(`${log}\n`).update(key).digest('hex').slice(0, 8)
  return `${log}+${id}+${key.toString('base64')}`
}

t.test('checkpoints are those of C2SP tlog-checkpoint', async (t) => {
  const { note, verifier } = await verifierOf(1)
  t.match(
    note,
    /^log\.example\/books\/310000\n1\nbjQLnP\+zepicpUTmu3gKLHiQHT\+zNzh2hRGjBhevoB0=\n\n— log\.example\/books\/310000 [A-Za-z0-9+/]{90}(?:[A-Za-z0-9+/=]{2})\n$/,
  )
  t.same(verifyCheckpoint(note, verifier), { origin: log, size: 1, root: leaves[0] })
  t.equal(verifyCheckpoint(note, (await verifierOf(2)).verifier), undefined, 'another key')
  t.equal(verifyCheckpoint(note.replace('\n1\n', '\n2\n'), verifier), undefined, 'another size')
  for (const text of [
    '',
    'a\n1\n',
    note.replace('\n1\n', '\n01\n'),
    note.replace('bjQL', 'bjQ'),
    note.replace('\n\n', '\n'),
  ]) {
    t.equal(parseCheckpoint(text), undefined)
  }
})

t.test('two checkpoints of a forked log convict whoever signed them', async (t) => {
  const { verifier } = await verifierOf(1)
  const sign = (size: number, root: Hash, seed = 1) => signCheckpoint({ origin: log, size, root }, pkcs8(seed))
  const [true300, true1000] = [published(300), published(1000)]
  const forkedList = [...many.slice(0, 250), many[60_000]!, ...many.slice(251)]
  const [fork300, fork1000] = [published(300, forkedList), published(1000, forkedList)]
  const told = await sign(1000, true1000.root)
  t.equal(convict(await sign(1000, fork1000.root), told, verifier), 'forked', 'of one size: the notes alone')
  t.equal(convict(told, told, verifier), 'consistent')
  t.equal(convict(await sign(300, true300.root), told, verifier, true1000.proven()), 'consistent')
  t.equal(
    convict(await sign(300, fork300.root), told, verifier, true1000.proven()),
    'forked',
    'the older one is no beginning',
  )
  t.equal(convict(told, await sign(300, fork300.root), verifier, true1000.proven()), 'forked', 'in either order')
  t.equal(convict(await sign(300, fork300.root), told, verifier), 'unknown', 'without tiles nobody is convicted')
  t.equal(
    convict(await sign(300, fork300.root), told, verifier, fork1000.proven()),
    'unknown',
    'nor with tiles of another root',
  )
  t.equal(convict(await sign(1000, fork1000.root, 2), told, verifier), 'not signed', 'nor by what somebody else signed')
})

t.test('RFC 8785', async (t) => {
  // Section 3.2.2 and 3.2.3: the sample, and the order of names by UTF-16 code units.
  const sample = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`
  t.equal(
    canonical(JSON.parse(sample)),
    String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  )
  const names = String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`
  t.same(
    [...canonical(JSON.parse(names)).matchAll(/:"([^"]+)"/g)].map(([, name]) => name),
    [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ],
  )
  // Appendix B.
  const numbers = {
    '0000000000000000': '0',
    '8000000000000000': '0',
    '0000000000000001': '5e-324',
    '8000000000000001': '-5e-324',
    '7fefffffffffffff': '1.7976931348623157e+308',
    ffefffffffffffff: '-1.7976931348623157e+308',
    '4340000000000000': '9007199254740992',
    c340000000000000: '-9007199254740992',
    '4430000000000000': '295147905179352830000',
    '44b52d02c7e14af5': '9.999999999999997e+22',
    '44b52d02c7e14af6': '1e+23',
    '44b52d02c7e14af7': '1.0000000000000001e+23',
    '444b1ae4d6e2ef4e': '999999999999999700000',
    '444b1ae4d6e2ef4f': '999999999999999900000',
    '444b1ae4d6e2ef50': '1e+21',
    '3eb0c6f7a0b5ed8c': '9.999999999999997e-7',
    '3eb0c6f7a0b5ed8d': '0.000001',
    '41b3de4355555553': '333333333.3333332',
    '41b3de4355555554': '333333333.33333325',
    '41b3de4355555555': '333333333.3333333',
    '41b3de4355555556': '333333333.3333334',
    '41b3de4355555557': '333333333.33333343',
    becbf647612f3696: '-0.0000033333333333333333',
    '43143ff3c1cb0959': '1424953923781206.2',
  }
  for (const [bits, text] of Object.entries(numbers)) {
    t.equal(canonical(Buffer.from(bits, 'hex').readDoubleBE()), text, bits)
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, '\ud800', { '\udead': 1 }, 1n]) {
    t.throws(() => canonical(value), TypeError)
  }
})
