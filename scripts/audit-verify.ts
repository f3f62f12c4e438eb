import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { verifyBundle } from '../src/seal/verify.js'

/**
 * npm run audit:verify -- FOLDER [--key KEY] [--against NOTE …]: verifies an auditor's bundle, offline: no database, no
 * network. KEY is the public key as the operator has published it, or a file with it; NOTE a checkpoint that was kept.
 * Exit 0: all of it is proved; 1: the last line names the first thing that is off.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { key: { type: 'string' }, against: { type: 'string', multiple: true, default: [] } },
})
const [folder] = positionals
if (!folder || !existsSync(folder)) {
  console.error('npm run audit:verify -- FOLDER [--key KEY] [--against NOTE …]: there is no such folder. 目录不存在。')
  process.exit(1)
}
const { key, against } = values
const absent = against.find((path) => !existsSync(path))
if (absent !== undefined) {
  console.error(`--against ${absent}: there is no such file. 检查点文件不存在。`)
  process.exit(1)
}
const verifier = key !== undefined && existsSync(key) ? readFileSync(key, 'utf8') : key
const started = performance.now()
const notes = against.map((path) => readFileSync(path, 'utf8'))
for (const { name, asks, says, finding } of verifyBundle(folder, { notes, ...(verifier ? { verifier } : {}) })) {
  if (finding === undefined) console.log(`ok      ${name.padEnd(11)} ${asks}: ${says}`)
  else console.log(`NOT OK  ${name.padEnd(11)} ${asks}\n        ${finding}`)
  if (finding !== undefined) process.exitCode = 1
}
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s`)
