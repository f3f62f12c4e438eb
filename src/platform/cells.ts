/** The parts of a table that is read from a file or written to one. */

/** What keeps the text of one cell from being taken: the program that wrote the file has changed or computed it. */
export type CellFault = 'number_rounded' | 'formula_cell'

export interface Cell {
  readonly text: string
  readonly fault?: CellFault
}

/** A row with anything in it, under the number it has in the file, from 1. */
export interface SheetRow {
  readonly row: number
  readonly cells: readonly Cell[]
}

/** Whether there is anything in a row. */
export const isFilled = (cells: readonly Cell[]) => cells.some(({ text, fault }) => fault || text !== '')

export interface Sheet {
  readonly rows: readonly SheetRow[]
  /** Ranges of cells that were merged into one, such as `A2:A4`, with their last row. */
  readonly merged: readonly { readonly range: string; readonly lastRow: number }[]
}

/** A cell to be written: a text stays the text it is; an amount in yuan, such as `1280.00`, is a number to be added up. */
export type Written = string | number | { readonly yuan: string }

/** Rows to be written, some at a time: no more of a long table is in memory. */
export type Pages = Iterable<readonly (readonly Written[])[]> | AsyncIterable<readonly (readonly Written[])[]>

/** More columns of a file than these are not read. */
export const MOST_COLUMNS = 50

/** Says that a file is not what it should be: nothing of it is used. */
export class SheetError extends Error {
  override readonly name = 'SheetError'
}

/** The letters of a column, from 0: A, B, … Z, AA. */
export function columnName(column: number): string {
  const before = column < 26 ? '' : columnName(Math.floor(column / 26) - 1)
  return before + String.fromCharCode(65 + (column % 26))
}
