import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { fileRoute, sheet, sheets } from '../engine/export.js'
import { readRoute, type Services, uploadRoute } from '../engine/route.js'
import { SheetError } from '../platform/cells.js'
import { Faults } from '../platform/problems.js'
import { readSheet, type SheetFormat, sheetTypes } from '../platform/sheets.js'
import { FILE_BYTES, fileText, fileView, templateQuery } from './contract.js'
import { template, type Verdict, voucherFile, withVerdicts } from './rules.js'
import { type Upload, Uploads } from './uploads.js'

const tag = 'vouchers 创新券'
const params = z.strictObject({ file: fileText })

export function voucherFileRoutes(app: FastifyInstance, services: Services): void {
  const uploads = new Uploads(services.engine)

  fileRoute<object, z.output<typeof templateQuery>>(app, {
    operation: 'getVoucherTemplate',
    url: '/v1/voucher-files/template',
    tag,
    query: templateQuery,
    types: sheets,
    summary: { en: 'An empty file to fill in', zh: '批量发放模板' },
    read: ({ query: { format } }) => sheet(format, 'voucher-template', [template]),
  })
  uploadRoute(app, services, {
    operation: 'uploadVoucherFile',
    url: '/v1/voucher-files',
    tag,
    summary: { en: 'Issue the vouchers of a file', zh: '上传文件批量发放' },
    types: Object.values(sheetTypes),
    mostBytes: FILE_BYTES,
    answer: fileView,
    take({ type, ...given }) {
      const format: SheetFormat = type === sheetTypes.csv ? 'csv' : 'xlsx'
      const upload = uploads.take({ ...given, format }, () => read(format, given.bytes))
      return { location: `/v1/voucher-files/${upload.file}`, answer: view(upload) }
    },
  })
  readRoute<{ file: string }>(app, {
    operation: 'getVoucherFile',
    url: '/v1/voucher-files/:file',
    tag,
    params,
    summary: { en: 'How far a file is', zh: '文件处理进度' },
    answer: fileView,
    read: async ({ params: { file }, actor }) => view(uploads.find(actor.organisation, file)),
  })
  fileRoute<{ file: string }>(app, {
    operation: 'getVoucherFileVerdicts',
    url: '/v1/voucher-files/:file/verdicts',
    tag,
    params,
    types: sheets,
    summary: { en: 'The file with a verdict on each row', zh: '逐行结果文件' },
    read({ params: { file }, actor }) {
      const upload = uploads.find(actor.organisation, file)
      const rows = withVerdicts(upload, (row) => upload.verdicts[row])
      return sheet(upload.format, `vouchers-${file}`, [rows])
    },
  })
}

function read(format: SheetFormat, bytes: Buffer) {
  try {
    return voucherFile(readSheet(format, bytes))
  } catch (error) {
    if (error instanceof SheetError) throw new Faults([{ pointer: '/body', code: 'file_format' }])
    throw error
  }
}

function view({ file, state, rows, verdicts }: Upload) {
  const refused = new Map<string, number>()
  for (const { outcome, code } of verdicts.filter((one): one is Verdict => one !== undefined)) {
    if (outcome === 'refused') refused.set(code, (refused.get(code) ?? 0) + 1)
  }
  const judged = verdicts.filter((one) => one !== undefined).length
  const count = [...refused.values()].reduce((sum, one) => sum + one, 0)
  return {
    file,
    state,
    rows: rows.length,
    done: judged - count,
    refused: count,
    refusals: [...refused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, rows]) => ({ code, rows })),
  }
}
