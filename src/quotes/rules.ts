import type { RefusalCode } from '../core/refusals.js'

/** Refusals that only ask for less, and which of their details says how much there is, in yuan. */
export const limits: Partial<Record<RefusalCode, string>> = {
  ratio_exceeded: 'atMost',
  order_cap_exceeded: 'orderCap',
  insufficient_balance: 'available',
}

/** What would have to be different for an order that is refused with this. */
export const changes: Partial<Record<RefusalCode, { readonly en: string; readonly zh: string }>> = {
  provider_not_found: { en: 'Check the code, or ask the provider to register', zh: '核对代码，或请服务机构先登记' },
  voucher_expired: { en: 'Use a voucher that still runs', zh: '改用仍在有效期内的创新券' },
  voucher_suspended: {
    en: 'Ask the bureau that issued the voucher, or use another one',
    zh: '向发券部门了解暂停原因，或改用其他创新券',
  },
  integrity_listed: {
    en: 'Nothing until the entry ends; the party can appeal to the bureau that made it',
    zh: '名单记录到期前无法办理；当事方可向列入部门申诉',
  },
  category_not_covered: {
    en: "Choose one of the categories that the voucher's program covers",
    zh: '选择该券种支持的服务类别',
  },
  provider_not_recognised: {
    en: 'Choose a provider that is recognised for this category here, or ask it to apply for recognition',
    zh: '选择已获互认的服务机构，或请其申请互认',
  },
  cross_region_not_allowed: {
    en: "Choose a provider of the program's own province",
    zh: '选择本省（市）服务机构',
  },
  category_not_mapped: {
    en: 'Choose a local category that the catalogue maps to this one, or leave it out',
    zh: '选择服务目录中对照为此类别的地方类别，或不填地方类别',
  },
  related_party: {
    en: 'Choose a provider that is not related to the enterprise',
    zh: '选择无关联关系的服务机构',
  },
  contract_duplicate: {
    en: 'Check the contract number: each contract is filed once in the whole region',
    zh: '核对合同编号：同一合同全区域只能备案一次',
  },
  order_not_found: {
    en: 'An order is replaced by one on the same voucher; leave it out for another voucher',
    zh: '只能替代同一创新券上的订单；改用其他券时请不填',
  },
  state_conflict: {
    en: 'That order can be replaced no more: it is delivered or has ended',
    zh: '该订单已交付或已结束，不能再被替代',
  },
  ratio_exceeded: { en: 'A larger contract, as `most` says', zh: '合同额达到 most 所示金额时可抵扣更多' },
  order_cap_exceeded: {
    en: 'Nothing: this is the most for one order; the rest can go to another contract',
    zh: '已达单笔上限；余额可用于其他合同',
  },
  insufficient_balance: {
    en: 'Cancel an order that is not needed, or use another voucher',
    zh: '撤销不再需要的备案以释放额度，或改用其他创新券',
  },
}
