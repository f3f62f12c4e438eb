import { provinceNames, type provinces } from '../core/division.js'

export const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

/** An amount in yuan with a comma between thousands. */
export const amount = (text: string | undefined) =>
  text === undefined ? '' : text.replace(/\B(?=(\d{3})+(?!\d)(?=\.))/g, ',')

/** A province as people call it, and its code; any other book by its code. */
export const name = (code: string) => `${provinceNames[code as (typeof provinces)[number]]?.zh ?? '账套 book'} ${code}`

/** A table under its heading; columns from `numbers` on are amounts. Cells are HTML. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], numbers: number): string {
  const row = (cells: readonly string[]) =>
    `<tr>${cells.map((cell, n) => `<td${n >= numbers ? ' class="n"' : ''}>${cell}</td>`).join('')}</tr>`
  return `<table><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr>${rows.map(row).join('')}</table>`
}

/** A whole page; it loads nothing and runs nothing. */
export function page(title: string, body: string): string {
  return `<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>
body{font:15px/1.5 system-ui,"Noto Sans SC",sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d9e0e7;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}
.note{color:#5b6b7b}a{color:#0b5cad}</style><h1>${title}</h1>${body}</html>`
}
