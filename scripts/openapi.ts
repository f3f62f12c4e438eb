import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openApiText } from '../src/app.js'
import { permissionsText } from '../src/overview/permissions.js'

/**
 * npm run openapi: writes the documents made from the contracts and the table of permissions; with --check only
 * compares, and exits 1 when a committed file says something else. Needs no database.
 */
const documents = { 'openapi.json': await openApiText(), 'permissions.md': permissionsText() }

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
for (const [file, text] of Object.entries(documents)) {
  const path = fileURLToPath(new URL(`../openapi/${file}`, import.meta.url))
  const name = relative(process.cwd(), path)
  if (!values.check) {
    writeFileSync(path, text)
    console.log(`${name} is written 已生成`)
  } else if (committed(path) !== text) {
    console.error(
      `${name} does not match the sources: run "npm run openapi" and commit it. 文档与源码不一致，请运行 npm run openapi 并提交。`,
    )
    process.exitCode = 1
  }
}

function committed(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
