import { TILE } from './merkle.js'

/** A tile of a log, or a bundle of its entries, full or with its first `width` only. */
export interface TileName {
  readonly level: number | 'entries'
  readonly tile: number
  readonly width: number
}

/** A tile's number in groups of three digits, all but the last marked: `x001/x234/067` (C2SP tlog-tiles). */
function groupsOf(tile: number): string {
  const groups: string[] = []
  for (let rest = tile; rest > 0 || groups.length === 0; rest = Math.floor(rest / 1000)) {
    const digits = String(rest % 1000).padStart(3, '0')
    groups.unshift(groups.length === 0 ? digits : `x${digits}`)
  }
  return groups.join('/')
}

/** Where a tile is: `tile/0/x001/x234/067`, a partial one `tile/0/x001/x234/067.p/8`. */
export const tilePath = ({ level, tile, width }: TileName): string =>
  `tile/${level}/${groupsOf(tile)}${width < TILE ? `.p/${width}` : ''}`

/** Reads a tile's place below `tile/LEVEL/`; undefined when it is not written as `tilePath` does. */
export function parseTilePath(level: string, rest: string): TileName | undefined {
  const [, groups, partial] = /^((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(rest) ?? []
  if (groups === undefined || !/^(?:entries|\d|[1-5]\d|6[0-3])$/.test(level)) return undefined
  const name: TileName = {
    level: level === 'entries' ? level : Number(level),
    tile: Number(groups.replaceAll(/[x/]/g, '')),
    width: partial === undefined ? TILE : Number(partial),
  }
  return tilePath(name) === `tile/${level}/${rest}` ? name : undefined
}

/** The longest entry that a bundle can have, in bytes. */
export const MOST_ENTRY = 65_535

/** A bundle of entries: each after its length in two bytes. */
export function bundleOf(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > MOST_ENTRY) throw new Error(`an entry of ${entry.length} bytes`)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(entry.length)
      return [length, entry]
    }),
  )
}

/** The entries of a bundle; undefined when it does not end where an entry does. */
export function entriesOf(bundle: Buffer): Buffer[] | undefined {
  const entries: Buffer[] = []
  for (let at = 0; at < bundle.length; ) {
    if (at + 2 > bundle.length) return undefined
    const end = at + 2 + bundle.readUInt16BE(at)
    if (end > bundle.length) return undefined
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  return entries
}
