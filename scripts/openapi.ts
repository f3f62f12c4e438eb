import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openApiText } from '../src/app.js'
import { permissionsText } from '../src/overview/permissions.js'
import { breakingChanges } from './breaking.js'

/**
 * npm run openapi: writes the documents made from the contracts and the table of permissions; with --check only
 * compares, and exits 1 when a committed file says something else, or when a client of the released interface
 * (openapi/released.json) would break. With --release what there is now becomes the released one. Needs no database,
 * except with --examples, which plays the examples (test/openapi/examples.ts) on a service of its own and keeps them.
 */
const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    release: { type: 'boolean', default: false },
    examples: { type: 'boolean', default: false },
  },
})
if (values.examples) {
  const { playExamples } = await import('../test/openapi/examples.js')
  writeFileSync(pathOf('examples.json'), `${JSON.stringify(await playExamples(), null, 2)}\n`)
}

const documents = { 'openapi.json': await openApiText(), 'permissions.md': permissionsText() }
for (const [file, text] of Object.entries(documents)) {
  const path = pathOf(file)
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

if (values.release) writeFileSync(pathOf('released.json'), documents['openapi.json'])
const broken = breakingChanges(JSON.parse(committed(pathOf('released.json'))!), JSON.parse(documents['openapi.json']))
if (values.check && broken.length > 0) {
  const why = 'a client of the released interface would break; if that is meant, run "npm run openapi -- --release"'
  console.error(`${why}. 与已发布接口不兼容：\n  ${broken.join('\n  ')}`)
  process.exitCode = 1
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../openapi/${file}`, import.meta.url))
}

function committed(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
