import type { Written } from '../platform/cells.js'
import type { SettlementReport } from './contract.js'
import { type Head, headOf, sectionsOf, signatures } from './paper.js'

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

function cell(value: Written): string {
  if (typeof value === 'string') return `<td>${escaped(value)}</td>`
  const text = typeof value === 'number' ? String(value) : value.yuan
  return `<td class="n">${text.replace(/\B(?=(\d{3})+(?!\d)(?=\.))/g, ',')}</td>`
}

/** A report as a page to be printed and signed, A4 across; it loads nothing. */
export function pageOf(report: SettlementReport, head: Head): string {
  const parts = sectionsOf(report).map(
    ({ title, columns, rows }) =>
      `<section><h2>${title}</h2><table><thead><tr>${columns.map((name) => `<th>${name}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}</tbody></table></section>`,
  )
  return `<!doctype html><html lang="zh"><meta charset="utf-8"><title>${escaped(report.title)}</title><style>
@page{size:A4 landscape;margin:15mm}
body{font:11pt/1.5 "Noto Serif SC","SimSun",serif;color:#000;max-width:72rem;margin:1rem auto;padding:0 1rem}
h1{font-size:16pt;text-align:center}h2{font-size:12pt;margin:1rem 0 .3rem}
dl{display:flex;flex-wrap:wrap;gap:.2rem 2rem}dt{font-weight:bold}dd{margin:0}dl div{display:flex;gap:.5rem}
table{border-collapse:collapse;width:100%;font-size:9pt}th,td{border:1px solid #444;padding:.1rem .3rem;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}thead{display:table-header-group}tr{break-inside:avoid}
footer{display:flex;justify-content:space-between;margin-top:3rem}</style>
<h1>${escaped(report.title)}</h1>
<dl>${headOf(report, head)
    .map(([name, text]) => `<div><dt>${name}：</dt><dd>${escaped(text!)}</dd></div>`)
    .join('')}</dl>
${parts.join('\n')}
<footer>${signatures.map((name) => `<span>${name}：</span>`).join('')}</footer></html>
`
}
