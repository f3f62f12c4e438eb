/**
 * Tables an auditor can read: a header line, then one row a case, columns apart by two spaces or more. `-` is nothing.
 * Every row becomes an object of texts by the names of the header.
 */
export function table<const K extends string>(header: K, text: string): Record<Columns<K>, string>[] {
  const names = header.trim().split(/\s+/) as Columns<K>[]
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    .map((line) => {
      const cells = line.trim().split(/ {2,}/)
      if (cells.length !== names.length) throw new Error(`${names.length} columns, but ${cells.length} in: ${line}`)
      return Object.fromEntries(names.map((name, n) => [name, cells[n]!])) as Record<Columns<K>, string>
    })
}

type Columns<K extends string, Names extends string = never> = K extends `${infer First} ${infer Rest}`
  ? Columns<Rest, First extends '' ? Names : Names | First>
  : K extends ''
    ? Names
    : Names | K
