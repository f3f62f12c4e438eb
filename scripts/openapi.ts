import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openApiText } from '../src/app.js'

/**
 * npm run openapi: writes openapi/openapi.json from the contracts; with --check only compares, and exits 1 when the
 * committed file says something else. Needs no database.
 */
const FILE = fileURLToPath(new URL('../openapi/openapi.json', import.meta.url))
const name = relative(process.cwd(), FILE)

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const text = await openApiText()
if (!values.check) {
  writeFileSync(FILE, text)
  console.log(`${name} is written 已生成`)
} else if (committed() !== text) {
  console.error(
    `${name} does not match the contracts: run "npm run openapi" and commit it. 接口文档与契约不一致，请运行 npm run openapi 并提交。`,
  )
  process.exitCode = 1
}

function committed(): string | undefined {
  try {
    return readFileSync(FILE, 'utf8')
  } catch {
    return undefined
  }
}
