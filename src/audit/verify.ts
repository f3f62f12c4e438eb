import type { Sql } from '../platform/database.js'
import { openSnapshot } from '../platform/snapshot.js'
import { again, answers, rests, rows } from './checks/log.js'
import { balances, floors, holds, marks } from './checks/money.js'
import { grants, keys, orders, pools, vouchers } from './checks/nouns.js'
import { accounts, chart, entries, heads, moments, numbers, transfers } from './checks/numbers.js'
import { lines } from './checks/payments.js'
import { reports } from './checks/reports.js'
import type { Run } from './checks/run.js'
import { seals } from './checks/seals.js'
import { payments, periods, positions, settlements } from './checks/settlement.js'

/** What came of one check: its name, what it asks, and a sentence when something is off. */
export interface Checked {
  readonly name: string
  readonly asks: string
  readonly ok: boolean
  readonly finding?: string
}

/** How much was looked at. */
export interface Counts {
  readonly books: number
  readonly commands: number
  readonly entries: number
  readonly transfers: number
}

interface Check {
  readonly name: string
  /** In both languages. */
  readonly asks: string
  /** True when it looks rows up by their keys; the others read whole tables, which only hash joins do in one pass. */
  readonly looksUp?: true
  /** A sentence about the first thing that is off: where, and both figures. */
  find(sql: Sql, run: Run): Promise<string | undefined>
}

/** The checks, in order: each may rely on those before it, and the first finding is the one that counts. */
const checks: readonly Check[] = [
  { name: 'chart', asks: "the database's chart is the code's 科目表与代码一致", find: chart },
  { name: 'heads', asks: 'heads are the last numbers 账套首部等于最后编号', find: heads },
  { name: 'numbers', asks: 'commands and entries are numbered without gaps 指令号、凭证号连续', find: numbers },
  { name: 'moments', asks: 'booked_at never runs backwards, days fit it 入账时刻不倒退', find: moments },
  { name: 'entries', asks: 'every entry has its lines 1 to n, every line its entry 凭证分录齐全', find: entries },
  { name: 'transfers', asks: 'every transfer is declared in the chart 分录均为合法划转', find: transfers },
  { name: 'accounts', asks: 'accounts are numbered without gaps 账户号连续', find: accounts },
  { name: 'balances', asks: 'balances are their transfers added up 余额等于分录之和', find: balances },
  { name: 'marks', asks: 'marks of turnover are their transfers added up 余额标记等于分录之和', find: marks },
  { name: 'floors', asks: 'nothing fell below zero after any entry 任一凭证后均无透支', find: floors },
  { name: 'holds', asks: 'holds, held balances and open orders agree 冻结、账户与订单一致', find: holds },
  { name: 'vouchers', asks: 'vouchers are what was issued to their accounts 创新券等于发放额', find: vouchers },
  { name: 'orders', asks: 'orders are what their entries moved 订单等于其凭证', find: orders },
  { name: 'pools', asks: "every program's money is somewhere 各券种资金去向完整", find: pools },
  { name: 'grants', asks: 'grants are vouchers added up, within the cap 年度发放额不超限', find: grants },
  { name: 'keys', asks: 'contract and invoice numbers are held by their orders 合同号、发票号归属正确', find: keys },
  { name: 'periods', asks: 'periods are what their closes say 清算周期与关账一致', find: periods },
  { name: 'positions', asks: "the provinces' positions mirror the items 省际头寸与明细一致", find: positions },
  { name: 'payments', asks: 'payments mirror the items of paid periods 拨付与明细一致', find: payments },
  {
    name: 'settlements',
    asks: 'settled periods pay their items, payee by payee 清算入账与明细一致',
    find: settlements,
  },
  {
    name: 'lines',
    asks: 'what is on its way and what is paid are in the accounts and at the bank 在途、已付与账户及银行一致',
    find: lines,
  },
  { name: 'reports', asks: 'the roll-ups of reports are the log added up 报表汇总等于日志之和', find: reports },
  { name: 'answers', asks: 'stored answers belong to what was asked 幂等回执与指令一致', looksUp: true, find: answers },
  { name: 'rests', asks: 'commands rest on versions that exist 所依据的版本存在', find: rests },
  {
    name: 'replay',
    asks: 'the log decided again gives the same entries 按日志重演得到相同凭证',
    looksUp: true,
    find: again,
  },
  {
    name: 'rows',
    asks: 'the log decided again gives the same tables 按日志重演得到相同数据',
    looksUp: true,
    find: rows,
  },
  {
    name: 'seals',
    asks: 'the log is the one that was sealed 日志与封存一致',
    looksUp: true,
    find: (sql, { key }) => seals(sql, key),
  },
]

/** The names of all checks, in order. */
export const checkNames: readonly string[] = checks.map(({ name }) => name)

/**
 * Re-adds the whole ledger from its entries; ends after the first check that finds something. It may run while the
 * service does: all checks look at one moment. With a key the signatures of checkpoints are verified, too.
 */
export async function* verifyLedger(sql: Sql, key?: Run['key']): AsyncGenerator<Checked, Counts> {
  // Balances are tables, so no head can bound what is read of them: everything must come from one snapshot.
  const snapshot = await openSnapshot(sql, { work_mem: '64MB', jit: 'off', plan_cache_mode: 'force_custom_plan' })
  try {
    const run: Run = key ? { key } : {}
    for (const { name, asks, find, looksUp = false } of checks) {
      await snapshot.sql`
        select set_config(name, ${String(looksUp)}, true) from unnest(array['enable_nestloop', 'enable_mergejoin']) as name`
      const finding = await find(snapshot.sql, run)
      await snapshot.check()
      yield { name, asks, ok: finding === undefined, ...(finding === undefined ? {} : { finding }) }
      if (finding !== undefined) break
    }
    return await counts(snapshot.sql)
  } finally {
    await snapshot.close()
  }
}

async function counts(sql: Sql): Promise<Counts> {
  const [row] = await sql<{ books: bigint; commands: bigint; entries: bigint; transfers: bigint }[]>`
    select count(*) as books, coalesce(sum(seq), 0)::bigint as commands, coalesce(sum(entries), 0)::bigint as entries,
           (select count(*) from transfers) as transfers
    from books where seq > 0`
  const { books, commands, entries, transfers } = row!
  return {
    books: Number(books),
    commands: Number(commands),
    entries: Number(entries),
    transfers: Number(transfers),
  }
}
