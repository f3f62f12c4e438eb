/**
 * What can be wrong with one field of a request, in both languages: the `code` of an item in a problem's `errors`.
 * A zod schema names the code as its message; everything a person reads is looked up here.
 */
export const fieldFaults = {
  required: { en: 'This field is needed', zh: '缺少该字段' },
  unknown_field: { en: 'There is no such field here', zh: '不支持该字段' },
  wrong_type: { en: 'The value is of the wrong type', zh: '取值类型不正确' },
  not_one_of: { en: 'The value is not one of those allowed', zh: '取值不在允许范围内' },
  out_of_range: { en: 'The value is too small, too large, too short or too long', zh: '取值或长度超出允许范围' },
  amount_format: {
    en: 'An amount is yuan as a string with exactly two decimals, above zero, such as "1280.00"',
    zh: '金额须为大于零、恰好两位小数的字符串（元），如 "1280.00"',
  },
  amount_too_large: { en: 'An amount is at most 10000000000000.00 yuan', zh: '金额不得超过 10000000000000.00 元' },
  ratio_format: {
    en: 'A ratio is a decimal string above 0 and at most 1, such as "0.333333"',
    zh: '比例须为大于 0 且不超过 1 的小数字符串，如 "0.333333"',
  },
  day_format: { en: 'A day is a real date written YYYY-MM-DD', zh: '日期须为真实存在的 YYYY-MM-DD' },
  days_out_of_order: { en: 'The last day is before the first day', zh: '截止日早于起始日' },
  uscc_invalid: {
    en: 'Not a unified social credit code: 18 characters whose check character fits (GB 32100-2015)',
    zh: '不是有效的统一社会信用代码（GB 32100-2015，18 位且校验码正确）',
  },
  division_unknown: {
    en: 'Not a division of the four provinces (GB/T 2260)',
    zh: '不是四省市的行政区划代码（GB/T 2260）',
  },
  jurisdiction_unknown: {
    en: 'Not a jurisdiction of the four provinces (GB/T 2260)',
    zh: '不是四省市的辖区代码（GB/T 2260）',
  },
  reach_unknown: {
    en: 'Neither a jurisdiction of the four provinces (GB/T 2260) nor a zone',
    zh: '既不是四省市的辖区代码（GB/T 2260），也不是示范区',
  },
  period_or_year: {
    en: 'Give a period or a year, not both; upTo goes with a year',
    zh: '周期与年度须且只能填一项；upTo 仅用于年度',
  },
  one_range: {
    en: 'A range is given by entries, commands, moments or days: by one of them',
    zh: '范围按凭证号、指令号、时刻或日期给出，只能用其中一种',
  },
  sha256_format: { en: 'A SHA-256 is 64 lower-case hexadecimal digits', zh: 'SHA-256 须为 64 位小写十六进制' },
  invoice_number_format: { en: 'An invoice number has 20 digits', zh: '发票号码须为 20 位数字' },
  certificate_format: {
    en: 'Not a certificate number of this type: high_tech has GR, year, two digits of the province, six digits; tech_sme a year, then 8 to 16 digits or capitals',
    zh: '证书编号不符合该类型：高新技术企业为 GR、年份、两位省码、六位序号；科技型中小企业为年份加 8 至 16 位数字或大写字母',
  },
  digest_format: { en: 'A digest is 64 hexadecimal digits, lower case', zh: '摘要须为 64 位小写十六进制' },
  text_format: {
    en: 'Text must not be blank and must not hold control characters',
    zh: '文本不得为空白，且不得含控制字符',
  },
  text_padded: { en: 'A name has no blanks at its ends', zh: '名称首尾不得有空格' },
  repeated: { en: 'A value is given twice', zh: '取值重复' },
  instant_format: { en: 'A moment is written as RFC 3339 in +08:00', zh: '时刻须为 +08:00 的 RFC 3339 格式' },
  target_format: {
    en: 'An address is https (or http), without credentials or fragment, at the default port or one from 1024 on',
    zh: '地址须为 https（或 http），不含账号与片段，端口为默认或 1024 以上',
  },
  owner_unknown: {
    en: "Neither a jurisdiction's code (GB/T 2260) nor a unified social credit code (GB 32100-2015)",
    zh: '既不是辖区代码（GB/T 2260），也不是统一社会信用代码（GB 32100-2015）',
  },
  number_format: { en: 'A number without sign or decimals', zh: '须为不带符号和小数的数字' },
  check_character: {
    en: 'The check character at the end does not fit: there is a slip in the number',
    zh: '末位校验字符不符，编号有误',
  },
  file_format: {
    en: 'The file cannot be read: it must be an xlsx workbook, or a CSV in UTF-8 or GB 18030, as its media type says',
    zh: '文件无法读取：须为 xlsx，或 UTF-8、GB 18030 编码的 CSV，并与所声明的类型一致',
  },
  merged_cells: {
    en: 'Merged cells: which row does the value belong to? Take the merging back',
    zh: '存在合并单元格，无法确定各行取值，请取消合并',
  },
  number_rounded: {
    en: 'A number of more than 15 digits: the spreadsheet has rounded it. Format the cell as text and type it again',
    zh: '超过 15 位的数字已被表格软件取整，请将单元格设为文本后重新填写',
  },
  formula_cell: {
    en: 'A formula: paste its value instead',
    zh: '单元格为公式，请粘贴为数值',
  },
  sum_differs: { en: 'The parts do not add up to the whole', zh: '各分项之和与总额不符' },
  bank_code_format: { en: 'The number of a bank has 12 digits', zh: '联行号须为 12 位数字' },
  bank_code_unknown: {
    en: 'The first three digits are no known class of bank',
    zh: '联行号前三位不是已知的银行类别代码',
  },
  account_number_format: {
    en: 'An account number has 8 to 32 digits or letters',
    zh: '账号须为 8 至 32 位数字或字母',
  },
  cursor_invalid: { en: 'Not a cursor that this list has given', zh: '不是本列表给出的游标' },
} as const

export type FieldFault = keyof typeof fieldFaults
