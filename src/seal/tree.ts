import { edgeOf, GrowingTree, HASH_BYTES, type Hash, rootOfTile, TILE } from '../core/merkle.js'
import { type TileName, tilePath } from '../core/tlog.js'

/** What is wrong with a tile. */
export class TileFault extends Error {}

/** A tile that is not there. */
export class TileMissing extends TileFault {}

/** The width of a tile in a tree of this size; 0 when it has none. */
export const widthOf = (size: number, level: number, tile: number): number =>
  Math.max(0, Math.min(TILE, Math.floor(size / TILE ** level) - tile * TILE))

/** A tree that is known by its root; its tiles are believed once they are shown to lead there. */
export class ProvenTree {
  readonly #known = new Map<string, Buffer>()
  #isEdgeProven = false

  constructor(
    readonly size: number,
    readonly root: Hash,
    /** The tile of this name as it came; undefined when it did not. */
    readonly read: (name: TileName) => Buffer | undefined,
  ) {}

  /** The hashes of a tile. Throws TileFault when it is missing or does not lead to the root. */
  tile(level: number, tile: number): Buffer {
    const width = widthOf(this.size, level, tile)
    return width < TILE ? this.#edgeTile(level, tile, width) : this.#fullTile(level, tile)
  }

  /** The root that the tree had when it was of this size. */
  rootAt(size: number): Hash {
    const edge = edgeOf(size).map(({ level, tile, width }) =>
      width === 0 ? Buffer.alloc(0) : this.tile(level, tile).subarray(0, width * HASH_BYTES),
    )
    return GrowingTree.of(size, edge).root
  }

  #fullTile(level: number, tile: number): Buffer {
    const path = tilePath({ level, tile, width: TILE })
    const known = this.#known.get(path)
    if (known) return known
    const hashes = this.#came(level, tile, TILE)
    const above = this.tile(level + 1, Math.floor(tile / TILE))
    const place = (tile % TILE) * HASH_BYTES
    if (!rootOfTile(hashes).equals(above.subarray(place, place + HASH_BYTES))) {
      throw new TileFault(`${path} is not the one that the checkpoint covers 与检查点不符`)
    }
    // Of level 0 there are many, and each is asked for once.
    if (level > 0) this.#known.set(path, hashes)
    return hashes
  }

  #edgeTile(level: number, tile: number, width: number): Buffer {
    this.#proveEdge()
    const found = this.#known.get(tilePath({ level, tile, width }))
    if (!found) throw new TileFault(`a tree of ${this.size} leaves has no tile ${level}/${tile}`)
    return found
  }

  /** The partial tiles prove each other: together they come to the root. */
  #proveEdge(): void {
    if (this.#isEdgeProven) return
    const places = edgeOf(this.size)
    const edge = places.map(({ level, tile, width }) => {
      if (width === 0) return Buffer.alloc(0)
      const hashes = this.#came(level, tile, width)
      this.#known.set(tilePath({ level, tile, width }), hashes)
      return hashes
    })
    if (!GrowingTree.of(this.size, edge).root.equals(this.root)) {
      const paths = places.filter(({ width }) => width > 0).map(tilePath)
      throw new TileFault(`${paths.join(', ')} do not come to the checkpoint's root 与检查点根哈希不符`)
    }
    this.#isEdgeProven = true
  }

  #came(level: number, tile: number, width: number): Buffer {
    const path = tilePath({ level, tile, width })
    const hashes = this.read({ level, tile, width })
    if (!hashes) throw new TileMissing(`${path} is missing 缺失`)
    if (hashes.length !== width * HASH_BYTES) throw new TileFault(`${path} has ${hashes.length} bytes 长度不符`)
    return hashes
  }
}
