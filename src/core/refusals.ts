/**
 * The refusal catalogue 拒绝码: every expected "no" of the service, in one place.
 * A refusal has a code from here, changes nothing, and is an ordinary outcome; anything else thrown is a fault.
 * The OpenAPI document, the problem responses (RFC 9457) and the tests are derived from this table.
 */
interface Entry {
  /** HTTP status it is answered with. */
  readonly status: number
  readonly en: string
  readonly zh: string
}

/** Refusals of the business rules, in the words of the rules; a rehearsal's step can meet every one of them. */
export const businessRefusals = {
  // issue 发放
  program_not_open: {
    status: 409,
    en: 'The program is not open for applications on this day',
    zh: '该券种当日不在申领期内',
  },
  integrity_listed: {
    status: 409,
    en: 'A party is on the integrity list on this day',
    zh: '当事方当日在科研诚信名单内',
  },
  outside_jurisdiction: {
    status: 409,
    en: "The enterprise does not lie under the program's jurisdiction",
    zh: '企业不属于该券种的辖区',
  },
  enterprise_not_eligible: {
    status: 409,
    en: 'The enterprise has none of the types the program supports',
    zh: '企业类型不在该券种支持范围内',
  },
  annual_cap_exceeded: {
    status: 409,
    en: "The enterprise's annual cap under this program would be exceeded",
    zh: '超过企业在该券种的年度限额',
  },
  pool_insufficient: { status: 409, en: 'The pool does not hold enough', zh: '资金池余额不足' },
  // file_order 合同备案
  voucher_expired: { status: 409, en: 'The voucher is past its use-by day', zh: '创新券已过使用期限' },
  category_not_covered: { status: 409, en: 'The program does not cover this category', zh: '该券种不支持此服务类别' },
  provider_not_recognised: {
    status: 409,
    en: "The provider has no running recognition for this category by the program's jurisdiction or one above it",
    zh: '服务机构未获该辖区（或上级辖区）对此类别的有效互认',
  },
  cross_region_not_allowed: {
    status: 409,
    en: 'The program does not allow a provider of another province',
    zh: '该券种不支持跨省使用',
  },
  related_party: { status: 409, en: 'Enterprise and provider are related parties', zh: '企业与服务机构为关联方' },
  contract_duplicate: {
    status: 409,
    en: "The provider's contract number is already in use by an order",
    zh: '该服务机构的合同编号已备案使用',
  },
  ratio_exceeded: {
    status: 409,
    en: "The voucher amount is above the program's ratio of the contract amount",
    zh: '用券金额超过合同金额的支持比例',
  },
  order_cap_exceeded: {
    status: 409,
    en: "The voucher amount is above the program's cap per order",
    zh: '用券金额超过单笔限额',
  },
  insufficient_balance: { status: 409, en: 'Not enough is available on the voucher', zh: '创新券可用余额不足' },
  // orders and claims 备案与兑付
  state_conflict: { status: 409, en: 'Its state does not allow this', zh: '当前状态不允许此操作' },
  invoice_duplicate: {
    status: 409,
    en: 'The invoice is already in use by another order',
    zh: '该发票已被其他订单使用',
  },
  invoice_amount_short: {
    status: 409,
    en: 'The invoice amount is below what the program requires',
    zh: '发票金额低于要求',
  },
  separation_of_duties: {
    status: 409,
    en: 'Who prepared it, or a deputy of theirs, cannot approve it',
    zh: '经办与复核不得为同一人（含其代理人）',
  },
  amount_exceeds_hold: { status: 409, en: 'The amount is above what is held', zh: '金额超过冻结额度' },
  amount_exceeds_approved: {
    status: 409,
    en: 'The amount is above what was approved and not yet clawed back',
    zh: '金额超过已核准未追回的金额',
  },
  // programs 券种
  // settlement 清算
  period_closed: { status: 409, en: 'A period of this name is closed already', zh: '该名称的清算周期已关账' },
  period_not_over: { status: 409, en: "The period's last day is not over", zh: '清算周期尚未结束' },
} as const satisfies Record<string, Entry>

/** Refusals of what a rehearsal file cannot say: second persons, and rules that a program or an agreement may add. */
export const furtherRefusals = {
  // what a program may rule besides 券种可选规则
  evidence_missing: {
    status: 409,
    en: 'Evidence that the program requires is missing',
    zh: '缺少该券种要求的佐证材料',
  },
  // bank statements 银行对账
  statement_unbalanced: {
    status: 409,
    en: 'Opening balance and lines do not come to the closing balance',
    zh: '期初余额与各笔流水之和不等于期末余额',
  },
  statement_differs: {
    status: 409,
    en: 'A statement of this number and account was taken before, and says something else',
    zh: '该账户该编号的对账单已导入，且内容不同',
  },
  bank_line_differs: {
    status: 409,
    en: 'A line of this serial number was taken before, and says something else',
    zh: '该流水号已导入，且内容不同',
  },
  resolution_unclear: {
    status: 409,
    en: 'Say either payments or a refund, or a document for what is booked nowhere',
    zh: '须指明对应拨付明细或退款单位之一；均不对应的，须注明依据文号',
  },
  match_not_possible: {
    status: 409,
    en: 'The bank line cannot be for that',
    zh: '该流水与所指事项不符',
  },
  acceptance_missing: { status: 409, en: 'The provider has not accepted the order yet', zh: '服务机构尚未接单' },
  items_unanswered: {
    status: 409,
    en: 'Items that the return asks for are not answered',
    zh: '补正事项尚未逐项答复',
  },
  objection_open: { status: 409, en: 'An objection is not decided yet', zh: '公示异议尚未处理' },
  notice_over: { status: 409, en: 'No public notice of it is running', zh: '不在公示期内' },
  appeal_closed: {
    status: 409,
    en: 'The rejection cannot be appealed, or not any more',
    zh: '该驳回不可申诉或申诉期限已过',
  },
  notice_running: { status: 409, en: 'The public notice is still running', zh: '公示期尚未届满' },
  first_grant_limit_exceeded: {
    status: 409,
    en: "The enterprise's first voucher of the year under this program may not be as large",
    zh: '超过该券种首次发放限额',
  },
  effective_in_past: { status: 409, en: 'It cannot take effect before today', zh: '不得早于当日生效' },
  // vouchers 创新券
  voucher_suspended: { status: 409, en: 'The voucher is suspended: no new orders', zh: '创新券已暂停使用' },
  voucher_in_use: {
    status: 409,
    en: 'Something of the voucher is held by an order or spent',
    zh: '创新券已有冻结或使用',
  },
  extension_not_allowed: { status: 409, en: 'The program allows no extension', zh: '该券种不允许延期' },
  already_extended: {
    status: 409,
    en: 'The voucher was extended already; once is all',
    zh: '创新券已延期一次，不得再延',
  },
  application_open: {
    status: 409,
    en: 'The enterprise has an open application under this program',
    zh: '该企业在此券种下已有未办结的申请',
  },
  application_differs: {
    status: 409,
    en: 'The application names another program, enterprise or amount',
    zh: '与申请的券种、企业或金额不一致',
  },
  // mutual recognition 互认
  category_not_mapped: {
    status: 409,
    en: "On this day no catalogue of the provider's or the program's province maps the local category to this one",
    zh: '当日服务目录未将该地方类别对照为此服务类别',
  },
  // two persons 双人办理
  proposal_not_open: { status: 409, en: 'The proposal is decided already', zh: '该提请已办结' },
  invoice_red_flushed: {
    status: 409,
    en: 'The invoice is a red one, or was red-flushed: it cannot be claimed with',
    zh: '发票为红字发票或已红冲，不能用于兑付',
  },
  invoice_mismatch: {
    status: 409,
    en: "The invoice's XML does not say what the claim says; see field",
    zh: '发票 XML 与申请内容不符，详见 field',
  },
  recognition_ended: {
    status: 409,
    en: 'The recognition by agreement has ended, and with it what was filed under it',
    zh: '依据互认协议的认可已终止，在途订单随之停止',
  },
  deputy_of_self: { status: 409, en: 'Nobody is their own deputy', zh: '不得代理本人' },
  role_not_held: {
    status: 409,
    en: 'The principal does not have these roles there on the first day',
    zh: '被代理人首日在该辖区不具备所代理的角色',
  },
  term_too_long: { status: 409, en: 'A deputyship is for leave: its term is too long', zh: '代理期限过长' },
  // recoveries and year end 追回与年终
  amount_exceeds_recoverable: {
    status: 409,
    en: 'The amount is above what the payee must give back',
    zh: '金额超过该收款方尚待追回的金额',
  },
  amount_exceeds_invoice: {
    status: 409,
    en: 'The amount is above what is left of the invoice',
    zh: '红冲金额超过发票余额',
  },
  day_in_future: { status: 409, en: 'The day is still to come', zh: '日期尚未到来' },
  carry_over_not_allowed: {
    status: 409,
    en: 'Budget is carried over only to a program of the same jurisdiction that ends later',
    zh: '仅可结转至本辖区申领期更晚的券种',
  },
  subsidy_not_in_force: {
    status: 409,
    en: 'No single version of a rule on subsidies is in force on all of these days',
    zh: '该区间内没有同一版本的有效补助规则',
  },
  subsidy_overlaps: {
    status: 409,
    en: 'The subsidy of some of these days is booked already',
    zh: '区间与已计提的补助重叠',
  },
  proposal_expired: {
    status: 409,
    en: 'The proposal is too old to be approved; propose it again',
    zh: '提请已过期，请重新提请',
  },
} as const satisfies Record<string, Entry>

/** Refusals of the service around the rules: identity, existence, idempotency, form, readiness. */
export const serviceRefusals = {
  validation_failed: { status: 400, en: 'The request has faults; see errors', zh: '请求有误，详见 errors' },
  malformed_json: { status: 400, en: 'The body is not valid JSON', zh: '请求体不是有效的 JSON' },
  body_too_large: { status: 413, en: 'The body is too large', zh: '请求体过大' },
  unsupported_media_type: {
    status: 415,
    en: 'The body is of a type that is not taken here',
    zh: '此接口不接收该类型的请求体',
  },
  document_not_found: {
    status: 404,
    en: 'There is no such document of yours, or of an order you may see',
    zh: '本单位或可见订单下没有该文件',
  },
  document_refused: {
    status: 422,
    en: 'The file is not what it is said to be, or holds what is not taken; see reason',
    zh: '文件与所称类型不符，或含不予接收的内容，详见 reason',
  },
  upload_incomplete: { status: 400, en: 'The upload ended before its end', zh: '上传中断' },
  upload_limit_reached: {
    status: 429,
    en: 'Your organisation has uploaded as much today as it may',
    zh: '本单位当日上传量已达上限',
  },
  storage_unavailable: {
    status: 507,
    en: 'Files cannot be stored: the storage is full or away',
    zh: '文件存储空间不足或不可用',
  },
  unauthenticated: { status: 401, en: 'A valid bearer token is needed', zh: '需要有效的访问令牌' },
  person_barred: { status: 403, en: 'Your access has been ended', zh: '您的访问权限已终止' },
  not_your_platform: {
    status: 403,
    en: 'Your identity platform does not speak for this organisation: it is registered elsewhere, or nowhere yet',
    zh: '您的身份平台无权代表该单位（登记地不在其辖区，或尚未登记）',
  },
  role_not_permitted: { status: 403, en: 'None of your roles may do this', zh: '当前角色无权执行此操作' },
  not_your_jurisdiction: { status: 403, en: 'This belongs to another jurisdiction', zh: '不属于您所在的辖区' },
  not_your_organisation: { status: 403, en: 'This belongs to another organisation', zh: '不属于您所在的单位' },
  route_not_found: { status: 404, en: 'There is no such page', zh: '没有这个地址' },
  program_not_found: { status: 404, en: 'There is no such program', zh: '没有该券种' },
  enterprise_not_found: { status: 404, en: 'There is no such enterprise', zh: '没有该企业' },
  provider_not_found: { status: 404, en: 'There is no such provider', zh: '没有该服务机构' },
  voucher_not_found: { status: 404, en: 'There is no such voucher', zh: '没有该创新券' },
  order_not_found: { status: 404, en: 'There is no such order', zh: '没有该订单' },
  report_not_ready: {
    status: 503,
    en: 'The report is still being added up: ask again soon',
    zh: '报表数据正在汇总，请稍后再试',
  },
  period_not_found: { status: 404, en: 'There is no such period', zh: '没有该清算周期' },
  statement_not_found: { status: 404, en: 'There is no such bank statement', zh: '没有该对账单' },
  exception_not_found: { status: 404, en: 'There is no such exception', zh: '没有该差错' },
  book_not_found: { status: 404, en: 'There is no such book', zh: '没有该账套' },
  account_not_found: { status: 404, en: 'The book has no such account', zh: '账套中没有该账户' },
  entry_not_found: { status: 404, en: 'The book has not reached that number', zh: '账套尚未到达该号' },
  log_unsealed: {
    status: 409,
    en: 'The log is not sealed so far (yet)',
    zh: '日志（尚）未封存至此',
  },
  moment_in_future: { status: 400, en: 'The moment is still to come', zh: '该时刻尚未到来' },
  standing_not_found: {
    status: 404,
    en: 'There is no such appointment, deputyship or bar',
    zh: '没有该任用、代理或停用',
  },
  application_not_found: { status: 404, en: 'There is no such application', zh: '没有该申请' },
  file_not_found: {
    status: 404,
    en: 'There is no such file here; send it again under its Idempotency-Key',
    zh: '此处没有该文件，请以原 Idempotency-Key 重新上传',
  },
  agreement_not_found: { status: 404, en: 'There is no such agreement', zh: '没有该协议' },
  starts_too_early: {
    status: 409,
    en: 'A clearing agreement begins after the day it is signed: what has happened stays as it was',
    zh: '清算协议须自签署次日或之后起生效，既往事项不变',
  },
  agreements_overlap: {
    status: 409,
    en: 'Another clearing agreement of the two provinces covers some of these days',
    zh: '两省另有清算协议覆盖其中部分日期',
  },
  period_not_planned: {
    status: 409,
    en: 'No period of this name and last day is planned for the group',
    zh: '该清算组的清算日历中没有此名称与截止日的周期',
  },
  planned_period_closed: {
    status: 409,
    en: 'A period of this name is closed: it stays in its calendar as it is, and is in no other',
    zh: '该名称的周期已关账，须在原日历中保持不变，且不得列入其他日历',
  },
  batch_not_found: { status: 404, en: 'There is no such payment batch', zh: '没有该拨付批次' },
  release_not_found: {
    status: 404,
    en: 'Nothing of the batch was released by this number',
    zh: '该批次没有此放行编号的明细',
  },
  account_missing: {
    status: 409,
    en: 'Lines, or the payer, have no bank account: they can be paid only by hand',
    zh: '明细或付款方没有登记账户，只能人工支付',
  },
  line_not_open: {
    status: 409,
    en: 'A line is released already, or none is open',
    zh: '明细已放行，或没有可放行的明细',
  },
  control_total_mismatch: {
    status: 409,
    en: 'The control totals are not what would be paid',
    zh: '控制笔数或控制金额与应拨付不符',
  },
  payments_open: {
    status: 409,
    en: 'The bank has not confirmed every payment of the period',
    zh: '该周期尚有款项未经银行确认',
  },
  simulation_too_large: {
    status: 409,
    en: 'Too many orders for one simulation; take fewer days',
    zh: '模拟涉及的订单过多，请缩短区间',
  },
  proposal_not_found: { status: 404, en: 'There is no such proposal', zh: '没有该提请' },
  draft_not_found: { status: 404, en: 'There is no such draft', zh: '没有该草稿' },
  version_conflict: {
    status: 412,
    en: 'It was changed meanwhile; read it again',
    zh: '已被他人修改，请重新读取',
  },
  version_missing: {
    status: 428,
    en: 'The If-Match header is needed: the ETag of what was read',
    zh: '缺少 If-Match 请求头（所读内容的 ETag）',
  },
  program_exists: { status: 409, en: 'A program of this code is published already', zh: '该券种代码已发布' },
  enterprise_exists: { status: 409, en: 'The enterprise is registered already', zh: '该企业已登记' },
  qualification_not_found: {
    status: 404,
    en: 'The enterprise has declared no such qualification',
    zh: '该企业未申报此项资格',
  },
  party_not_found: {
    status: 404,
    en: 'No enterprise or provider is registered under this code',
    zh: '没有以此代码登记的企业或服务机构',
  },
  listing_not_found: { status: 404, en: 'There is no such entry on the integrity list', zh: '名单中没有该条记录' },
  appeal_not_found: { status: 404, en: 'There is no such appeal', zh: '没有该项申诉' },
  objection_not_found: { status: 404, en: 'There is no such objection', zh: '没有该异议' },
  recognition_application_not_found: {
    status: 404,
    en: 'There is no open application for recognition',
    zh: '没有待办理的互认申请',
  },
  provider_exists: { status: 409, en: 'The provider is registered already', zh: '该服务机构已登记' },
  webhook_not_found: { status: 404, en: 'There is no such webhook', zh: '没有该事件推送' },
  webhook_limit: { status: 409, en: 'There are as many webhooks as one owner may have', zh: '事件推送数量已达上限' },
  target_not_allowed: {
    status: 422,
    en: 'Nothing may be sent to this address: it must be public and https',
    zh: '不允许推送至该地址：须为公网 https 地址',
  },
  accounts_off: { status: 501, en: 'This service is run without a key for bank accounts', zh: '本服务未配置账户密钥' },
  account_unreadable: {
    status: 409,
    en: "The account's number cannot be read: its seal is broken, or its key is missing from ACCOUNT_KEY",
    zh: '账号无法解密：密文已被改动，或 ACCOUNT_KEY 缺少相应密钥',
  },
  holder_differs: {
    status: 409,
    en: 'The holder is not the registered name: say why',
    zh: '户名与登记名称不一致，须说明理由',
  },
  webhooks_off: { status: 501, en: 'This service is run without webhooks', zh: '本服务未启用事件推送' },
  idempotency_key_missing: {
    status: 400,
    en: 'The Idempotency-Key header is needed: 1 to 128 visible ASCII characters',
    zh: '缺少 Idempotency-Key 请求头（1 至 128 个可见 ASCII 字符）',
  },
  idempotency_key_reused: {
    status: 422,
    en: 'The Idempotency-Key was used for another request',
    zh: '该 Idempotency-Key 已用于其他请求',
  },
  idempotency_key_expired: {
    status: 422,
    en: 'The Idempotency-Key is older than the time its answer is kept; it is never run again',
    zh: '该 Idempotency-Key 已过保存期，不会再次执行',
  },
  rate_limited: {
    status: 429,
    en: 'Too many requests in this minute; ask again after Retry-After seconds',
    zh: '请求过于频繁，请在 Retry-After 秒后重试',
  },
  export_too_large: {
    status: 422,
    en: 'Too many rows for one file; narrow the list',
    zh: '导出行数过多，请缩小范围',
  },
  overloaded: {
    status: 503,
    en: 'Too much is waiting; ask again later with the same key',
    zh: '系统繁忙，请稍后以同一键重试',
  },
  unavailable: {
    status: 503,
    en: 'The database did not answer; ask again with the same Idempotency-Key',
    zh: '数据库暂不可用，请以同一 Idempotency-Key 重试',
  },
  clock_behind: {
    status: 503,
    en: "The service's clock is behind its last booking; nothing is booked until it is set right",
    zh: '系统时钟落后于最后一笔入账时间，校时前暂停入账',
  },
  internal_fault: { status: 500, en: 'A fault; its traceId is in the log', zh: '内部故障，日志中以 traceId 查询' },
} as const satisfies Record<string, Entry>

export const refusals = { ...businessRefusals, ...furtherRefusals, ...serviceRefusals }

export type RefusalCode = keyof typeof refusals

/** An expected no: a code from the catalogue and the figures that explain it (money already as yuan strings). */
export interface Refusal {
  readonly refused: RefusalCode
  readonly details?: Record<string, string | number | null>
}

/** Builds a refusal; it is returned, never thrown, by whatever decides. */
export function refuse(code: RefusalCode, details?: Record<string, string | number | null>): Refusal {
  return details === undefined ? { refused: code } : { refused: code, details }
}

/** True for what `refuse` built. */
export function isRefusal(outcome: object): outcome is Refusal {
  return 'refused' in outcome
}

/** Something thrown that is expected: it carries no stack, because taking one costs more than all the rest of an answer. */
export class Expected extends Error {
  constructor(message: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Carries a refusal through code that can only throw (HTTP hooks, readers); answered like any other refusal. */
export class Refused extends Expected {
  readonly refusal: Refusal
  constructor(code: RefusalCode, details?: Record<string, string | number | null>) {
    super(code)
    this.refusal = refuse(code, details)
  }
}
