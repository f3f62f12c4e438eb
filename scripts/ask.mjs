/**
 * Asks the running service one thing as one person, with a token of the built-in issuer (this machine only):
 *   node scripts/ask.mjs ROLE[:WHO] METHOD PATH [JSON] [FIELD]
 * WHO is a bureau's jurisdiction (310000; 000000 is the region), or a firm's or provider's credit code; NAME@WHO names
 * the person. BASE is where the service listens. Prints the answer, or one FIELD of it such as result.voucher; a file as
 * it is. Exits 1 when it is a refusal.
 */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const base = process.env.BASE ?? 'http://127.0.0.1:3000'
const [who = '', method = 'GET', path = '/health', body, field] = process.argv.slice(2)
const [role = '', rest = ''] = who.split(':')
const [name, place] = rest.includes('@') ? rest.split('@') : [role, rest]
const isBureau = /^\d{6}$/.test(place)
const json = { 'content-type': 'application/json' }

const claims = {
  sub: name,
  organisation: isBureau ? `bureau ${place}` : place || 'platform',
  roles: [role],
  ...(isBureau ? { jurisdiction: place } : {}),
}
const issued = await fetch(`${base}/tokens`, { method: 'POST', headers: json, body: JSON.stringify(claims) }).catch(() => {
  console.error(`Nobody answers at ${base}: is npm start running? 服务未响应，请先运行 npm start。`)
  process.exit(1)
})
if (!issued.ok) {
  console.error(await issued.text())
  process.exit(1)
}
const { token } = await issued.json()
const answer = await fetch(base + path, {
  method,
  headers: {
    authorization: `Bearer ${token}`,
    ...(method === 'POST' ? { ...json, 'idempotency-key': process.env.KEY ?? randomUUID() } : {}),
  },
  ...(method === 'POST' ? { body: body ?? '{}' } : {}),
})
if (/^application\/(problem\+)?json\b/.test(answer.headers.get('content-type') ?? '')) {
  const said = await answer.json()
  const wanted = answer.ok && field ? field.split('.').reduce((value, key) => value?.[key], said) : said
  const text = typeof wanted === 'string' ? wanted : JSON.stringify(wanted, null, 1)
  // A refusal goes where a person sees it even when the answer is taken into a variable.
  if (answer.ok) console.log(text)
  else console.error(text)
} else {
  // Whoever has seen enough of a file, such as `head`, closes the pipe.
  await pipeline(Readable.fromWeb(answer.body), process.stdout).catch(() => {})
}
process.exitCode = answer.ok ? 0 : 1
