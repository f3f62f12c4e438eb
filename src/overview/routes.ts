import type { FastifyInstance } from 'fastify'
import { provinceReports } from '../audit/queries.js'
import { provinceNames, provinces } from '../core/division.js'
import { refusals } from '../core/refusals.js'
import type { Services } from '../engine/route.js'
import { type Reach, reaches, roles } from '../platform/permissions.js'
import { closedPeriods, settlementOf } from '../settlement/queries.js'
import { marks, permissionLines } from './permissions.js'

/** Pages for a person with a browser: what is in the books, and the catalogue of refusals. */
export function overviewRoutes(app: FastifyInstance, { sql }: Services, options: { readonly open: boolean }): void {
  app.get('/docs/permissions', { schema: { hide: true } }, (_, reply) => reply.type('text/html').send(permissionPage()))
  app.get('/docs/refusals', { schema: { hide: true } }, (_, reply) => reply.type('text/html').send(refusalPage()))
  // Figures without a token are for a developer's own machine only.
  if (!options.open) return
  app.get('/', { schema: { hide: true } }, async (_, reply) => {
    const [reports, periods] = await Promise.all([provinceReports(sql), closedPeriods(sql)])
    const settlements = await Promise.all(periods.map(({ period }) => settlementOf(sql, period)))
    return reply.type('text/html').send(
      overviewPage(
        reports,
        settlements.flatMap((s) => s ?? []),
      ),
    )
  })
}

type Reports = Awaited<ReturnType<typeof provinceReports>>
type Settlement = NonNullable<Awaited<ReturnType<typeof settlementOf>>>

const figures = {
  appropriated: '拨入 appropriated',
  pool: '资金池 pool',
  issued: '发放 issued',
  lapsed: '失效 lapsed',
  available: '可用 available',
  held: '冻结 held',
  approved: '核准 approved',
  clawedBack: '追回 clawed back',
  outbound: '跨省支出 outbound',
  inbound: '跨省收入 inbound',
  paid: '已拨付 paid',
  payable: '应付 payable',
} as const

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)
const amount = (text: string | undefined) =>
  text === undefined ? '' : text.replace(/\B(?=(\d{3})+(?!\d)(?=\.))/g, ',')
const name = (code: string) => `${provinceNames[code as (typeof provinces)[number]].zh} ${code}`

function page(title: string, body: string): string {
  return `<!doctype html><html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>
body{font:15px/1.5 system-ui,"Noto Sans SC",sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2733}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d9e0e7;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}
.note{color:#5b6b7b}a{color:#0b5cad}</style><h1>${title}</h1>${body}</html>`
}

function overviewPage(reports: Reports, settlements: readonly Settlement[]): string {
  const head = provinces.map((p) => `<th>${name(p)}</th>`).join('')
  const rows = Object.entries(figures).map(
    ([key, label]) =>
      `<tr><th>${label}</th>${provinces.map((p) => `<td class="n">${amount(reports[p]?.[key as keyof typeof figures])}</td>`).join('')}</tr>`,
  )
  return page(
    '跨区域科技创新券清算服务 · Innovation voucher clearing',
    `<p class="note">演示数据为合成数据。Demonstration data is synthetic. 单位：元 yuan.
     <a href="/docs">API 文档 reference</a> · <a href="/openapi.json">OpenAPI</a> · <a href="/docs/refusals">拒绝码 refusals</a> · <a href="/docs/permissions">权限表 permissions</a></p>
     <h2>各省市（作为发券方） Provinces as issuers</h2><table><tr><th></th>${head}</tr>${rows.join('')}</table>
     ${settlements.map(settlementPart).join('')}`,
  )
}

function settlementPart({ period, through, gross, net, instructions, paid }: Settlement): string {
  const head = provinces.map((p) => `<th>${name(p)}</th>`).join('')
  const rows = provinces.map(
    (from) =>
      `<tr><th>${name(from)}</th>${provinces.map((to) => `<td class="n">${amount(gross[from]?.[to])}</td>`).join('')}</tr>`,
  )
  const nets = provinces.map((p) => `<td class="n">${amount(net[p])}</td>`).join('')
  const payments = instructions.map((i) => `<li>${name(i.from)} → ${name(i.to)}: ${amount(i.amount)}</li>`)
  return `<h2>清算周期 ${escaped(period)}（截至 ${through}，${paid ? '已拨付 paid' : '待拨付 unpaid'}）</h2>
    <table><tr><th>发券省市 → 收款方所在地</th>${head}</tr>${rows.join('')}<tr><th>净额 net</th>${nets}</tr></table>
    <ul>${payments.join('')}</ul>`
}

function permissionPage(): string {
  const head = Object.entries(roles).map(([role, { zh, en }]) => `<th title="${en}">${zh}<br><code>${role}</code></th>`)
  const rows = permissionLines().map(
    ({ operation, cells, second }) =>
      `<tr id="${operation}"><td><code>${operation}</code></td>${cells.map((cell) => `<td>${cell}</td>`).join('')}<td>${second}</td></tr>`,
  )
  const legend = Object.entries(reaches).map(([reach, { zh, en }]) => `<li>${marks[reach as Reach]} ${zh} · ${en}</li>`)
  return page(
    '权限表 · Permissions',
    `<ul>${legend.join('')}</ul><table><tr><th>operation</th>${head.join('')}<th>复核人 second person</th></tr>${rows.join('')}</table>`,
  )
}

function refusalPage(): string {
  const rows = Object.entries(refusals).map(
    ([code, { status, zh, en }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${zh}</td><td>${en}</td></tr>`,
  )
  return page(
    '拒绝码 · Refusals',
    `<table><tr><th>code</th><th>HTTP</th><th>中文</th><th>English</th></tr>${rows.join('')}</table>`,
  )
}
