import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { provinceReports } from '../audit/queries.js'
import { provinces } from '../core/division.js'
import { refusals } from '../core/refusals.js'
import { CLOSED } from '../engine/export.js'
import type { Services } from '../engine/route.js'
import { type Reach, reaches, roles } from '../platform/permissions.js'
import { code, province } from '../platform/wire.js'
import { closedPeriods } from '../settlement/queries.js'
import { grossPage, type Way, wayOf, wayPart } from './finance.js'
import { amount, name, page } from './page.js'
import { marks, permissionLines } from './permissions.js'

/** Pages for a person with a browser: what is in the books, and the catalogue of refusals. */
export function overviewRoutes(app: FastifyInstance, { sql }: Services, options: { readonly open: boolean }): void {
  const send = (reply: FastifyReply, html: string) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', CLOSED).send(html)
  app.get('/docs/permissions', { schema: { hide: true } }, (_, reply) => send(reply, permissionPage()))
  app.get('/docs/refusals', { schema: { hide: true } }, (_, reply) => send(reply, refusalPage()))
  // Figures without a token are for a developer's own machine only.
  if (!options.open) return
  app.get('/', { schema: { hide: true } }, async (_, reply) => {
    const [reports, periods] = await Promise.all([provinceReports(sql), closedPeriods(sql)])
    const ways = await Promise.all(periods.map(({ period }) => wayOf(sql, period)))
    return send(reply, overviewPage(reports, ways))
  })
  const query = z.strictObject({ of: province.optional(), from: province.optional(), to: province.optional() })
  app.get(
    '/periods/:period/gross',
    { schema: { hide: true, params: z.strictObject({ period: code }), querystring: query } },
    async ({ params, query: asked }, reply) => {
      const { period } = params as { period: string }
      return send(reply, await grossPage(sql, period, asked as z.output<typeof query>))
    },
  )
}

type Reports = Awaited<ReturnType<typeof provinceReports>>

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

function overviewPage(reports: Reports, ways: readonly Way[]): string {
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
     ${ways.map(wayPart).join('')}`,
  )
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
