import { hash } from 'node:crypto'

/** SHA-256, 32 bytes. */
export type Hash = Buffer

export const HASH_BYTES = 32

/** By way of text: a buffer that OpenSSL hands out takes a third longer. */
const sha256 = (data: Buffer): Hash => Buffer.from(hash('sha256', data, 'hex'), 'hex')

/** The hash of a tree without leaves (RFC 6962, section 2.1). */
export const EMPTY: Hash = sha256(Buffer.alloc(0))

const LEAF = Buffer.of(0)

/** The hash of a leaf: SHA-256(0x00 ‖ data). */
export const leafHash = (data: Buffer): Hash => sha256(Buffer.concat([LEAF, data]))

const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 1)

/** The hash of two subtrees: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Hash, right: Hash): Hash {
  left.copy(pair, 1)
  right.copy(pair, 1 + HASH_BYTES)
  return sha256(pair)
}

/** The largest power of two below a number above 1. */
export function split(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/** The root over hashes of subtrees of one size; only the last one may be of a smaller one. */
export function rootOf(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY
  if (hashes.length === 1) return hashes[0]!
  const left = split(hashes.length)
  return nodeHash(rootOf(hashes.slice(0, left)), rootOf(hashes.slice(left)))
}

/** Leaves from `start` up to but without `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What proves that a leaf is in a tree of this size, from the leaf upwards: the hash over each of these ranges. */
export function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
    }
  }
  return ranges.reverse()
}

/** What proves that a tree of size `from` is the beginning of one of size `to` (RFC 6962, section 2.1.2). */
export function consistencyRanges(from: number, to: number): Range[] {
  if (from === 0 || from === to) return []
  const ranges: Range[] = []
  let [start, end] = [0, to]
  let isWhole = true
  while (from !== end) {
    const middle = start + split(end - start)
    if (from <= middle) {
      ranges.push({ start: middle, end })
      end = middle
    } else {
      ranges.push({ start, end: middle })
      start = middle
      isWhole = false
    }
  }
  if (!isWhole) ranges.push({ start, end })
  return ranges.reverse()
}

/** The root that a leaf's hash and its proof come to; undefined when the proof is not of the right length. */
export function rootOfInclusion(index: number, size: number, leaf: Hash, proof: readonly Hash[]): Hash | undefined {
  const ranges = inclusionRanges(index, size)
  if (index < 0 || index >= size || ranges.length !== proof.length) return undefined
  return proof.reduce((root, hash, n) => (ranges[n]!.start > index ? nodeHash(root, hash) : nodeHash(hash, root)), leaf)
}

/** Whether a proof shows that the tree of size `from` is the beginning of the one of size `to`. */
export function isConsistent(
  from: { readonly size: number; readonly root: Hash },
  to: { readonly size: number; readonly root: Hash },
  proof: readonly Hash[],
): boolean {
  if (from.size > to.size) return false
  if (from.size === to.size || from.size === 0) {
    return proof.length === 0 && (from.size === 0 ? from.root.equals(EMPTY) : from.root.equals(to.root))
  }
  const ranges = consistencyRanges(from.size, to.size)
  if (ranges.length !== proof.length) return false
  // What comes first is the older tree's last perfect subtree: itself when it is the whole of it.
  const isWhole = ranges[0]!.end !== from.size
  let [older, newer] = isWhole ? [from.root, from.root] : [proof[0]!, proof[0]!]
  for (let n = isWhole ? 0 : 1; n < proof.length; n++) {
    if (ranges[n]!.start >= from.size) newer = nodeHash(newer, proof[n]!)
    else {
      older = nodeHash(proof[n]!, older)
      newer = nodeHash(proof[n]!, newer)
    }
  }
  return older.equals(from.root) && newer.equals(to.root)
}

/** A perfect subtree by its height and its place among those of this height. */
export interface Node {
  readonly height: number
  readonly index: number
}

/** The perfect subtrees that a range of leaves is made of, from the left; it starts where one as large may start. */
export function nodesOf({ start, end }: Range): Node[] {
  const nodes: Node[] = []
  for (let at = start; at < end; ) {
    let height = 0
    while (at % 2 ** (height + 1) === 0 && at + 2 ** (height + 1) <= end) height++
    nodes.push({ height, index: at / 2 ** height })
    at += 2 ** height
  }
  return nodes
}

/** The hash over perfect subtrees of falling sizes. */
export const joined = (hashes: readonly Hash[]): Hash =>
  hashes.length === 0 ? EMPTY : hashes.reduceRight((right, left) => nodeHash(left, right))

/** Hashes that a tile has when it is full. */
export const TILE = 256
/** The height of a tile's own tree. */
const TILE_HEIGHT = 8

/** A tile: the hashes of 256 neighbouring subtrees, or fewer at the right edge; 256^level leaves under each. */
export interface Tile {
  readonly level: number
  readonly tile: number
  readonly hashes: Buffer
}

/** Tiles that a tree of this size has: at each level all full ones, and a partial one when there is a rest. */
export function tilesOf(size: number): { level: number; tile: number; width: number }[] {
  const tiles: { level: number; tile: number; width: number }[] = []
  for (let [level, hashes] = [0, size]; hashes > 0; level++, hashes = Math.floor(hashes / TILE)) {
    for (let tile = 0; tile * TILE < hashes; tile++) {
      tiles.push({ level, tile, width: Math.min(TILE, hashes - tile * TILE) })
    }
  }
  return tiles
}

/** The partial tiles of a tree of this size, from level 0: they alone, with their rest, give its root. */
export function edgeOf(size: number): { level: number; tile: number; width: number }[] {
  const tiles: { level: number; tile: number; width: number }[] = []
  for (let [level, hashes] = [0, size]; hashes > 0; level++, hashes = Math.floor(hashes / TILE)) {
    tiles.push({ level, tile: Math.floor(hashes / TILE), width: hashes % TILE })
  }
  return tiles
}

/** The tile that has a perfect subtree's hashes, and which of them. */
export function tileOfNode({ height, index }: Node): { level: number; tile: number; from: number; count: number } {
  const level = Math.floor(height / TILE_HEIGHT)
  const count = 2 ** (height % TILE_HEIGHT)
  const first = index * count
  return { level, tile: Math.floor(first / TILE), from: first % TILE, count }
}

/** The hashes of a tile, one by one. */
export function hashesOf(hashes: Buffer): Hash[] {
  return Array.from({ length: hashes.length / HASH_BYTES }, (_, n) =>
    hashes.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES),
  )
}

/** The hash over a range of a full or partial tile. */
export const rootOfTile = (hashes: Buffer, from = 0, count = hashes.length / HASH_BYTES): Hash =>
  rootOf(hashesOf(hashes.subarray(from * HASH_BYTES, (from + count) * HASH_BYTES)))

/** A tree that grows to the right: it keeps its right edge and hands out each tile when it is full. */
export class GrowingTree {
  /** The perfect subtrees that the tree is made of, from the left. */
  readonly #stack: Hash[] = []
  /** The hashes of the partial tile of each level. */
  readonly #edge: Hash[][] = []
  readonly #full: Tile[] = []
  #size = 0
  #last: Hash | undefined

  /** A tree of this size from its partial tiles, as `edgeOf` names them. */
  static of(size: number, edge: readonly Buffer[]): GrowingTree {
    const tree = new GrowingTree()
    tree.#size = size
    edge.forEach((hashes, level) => {
      tree.#edge[level] = hashesOf(Buffer.from(hashes))
    })
    for (const list of [...tree.#edge].reverse()) {
      for (let at = 0; at < list.length; ) {
        let count = 1
        while (count * 2 <= list.length - at) count *= 2
        tree.#stack.push(rootOf(list.slice(at, at + count)))
        at += count
      }
    }
    return tree
  }

  get size(): number {
    return this.#size
  }

  get root(): Hash {
    return joined(this.#stack)
  }

  /** The hash of the leaf that was added last; undefined when none was. */
  get last(): Hash | undefined {
    return this.#last
  }

  /** The hashes of the partial tile of a level. */
  edge(level: number): Buffer {
    return Buffer.concat(this.#edge[level] ?? [])
  }

  /** Adds a leaf by its hash. */
  add(leaf: Hash): void {
    this.#put(0, leaf)
    let hash = leaf
    for (let [rest, height] = [this.#size, 1]; rest % 2 === 1; rest = Math.floor(rest / 2), height++) {
      hash = nodeHash(this.#stack.pop()!, hash)
      if (height % TILE_HEIGHT === 0) this.#put(height / TILE_HEIGHT, hash)
    }
    this.#stack.push(hash)
    this.#last = leaf
    this.#size++
  }

  /** The tiles that became full since this was last asked, those of lower levels first. */
  takeFull(): Tile[] {
    return this.#full.splice(0)
  }

  #put(level: number, hash: Hash): void {
    const list = this.#edge[level] ?? []
    this.#edge[level] = list
    list.push(hash)
    if (list.length < TILE) return
    const tile = Math.floor(this.#size / TILE ** (level + 1))
    this.#full.push({ level, tile, hashes: Buffer.concat(list) })
    this.#edge[level] = []
  }
}
