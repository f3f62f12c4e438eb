/** Where nothing may be sent, however it is written, resolved or redirected. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type Came, Sender } from '../../src/webhooks/sender.js'
import { isTarget, literalOf, mayReach, maySubscribe, networkOf } from '../../src/webhooks/target.js'

t.test('addresses that are not public, in every form they have', async (t) => {
  const forms = [
    'localhost', // only its look-up says so
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.0.0.1',
    '127。0。0。1',
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::a9fe:a9fe]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[2001:db8::1]',
    '[100::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[5f00::1]',
  ]
  for (const form of forms) {
    const url = new URL(`https://${form}/`)
    const literal = literalOf(url)
    if (literal === undefined) {
      const came = await new Sender([]).send(url, {}, '{}')
      t.match(came, { delivered: false, error: /address not allowed|ENOTFOUND|EAI_AGAIN/ }, form)
    } else {
      t.equal(maySubscribe(url.href, []), false, form)
      t.match(await new Sender([]).send(url, {}, '{}'), { delivered: false, error: 'address not allowed' }, form)
    }
  }
  const publicOnes = ['8.8.8.8', '223.5.5.5', '2400:3200::1', '2606:4700:4700::1111']
  for (const one of publicOnes) {
    t.equal(mayReach(one, true, []), true, one)
    t.equal(mayReach(one, false, []), false, `${one} in the clear`)
  }
  for (const text of ['', 'x', '1.2.3', '08.8.8.8', '1.2.3.4/8', 'fe80::1%eth0', '::1%lo']) {
    t.equal(mayReach(text, true, []), false, `${text} is no address`)
  }
})

t.test('the operator’s own networks, and nothing beside them', async (t) => {
  const own = ['10.20.0.0/16', 'fd12:3456::/32', '192.168.7.7'].map((text) => networkOf(text)!)
  for (const one of ['10.20.0.1', '::ffff:10.20.3.4', 'fd12:3456::1', '192.168.7.7']) {
    t.equal(mayReach(one, false, own), true, one)
  }
  for (const one of ['10.21.0.1', 'fd12:3457::1', '192.168.7.8', '127.0.0.1', '::1', '169.254.169.254']) {
    t.equal(mayReach(one, true, own), false, one)
  }
  for (const bad of ['', '10.0.0.0/33', '10.0/8', 'x', '::1/129', '127.1']) t.equal(networkOf(bad), undefined, bad)
  t.equal(maySubscribe('http://hooks.intern.example/', []), false, 'in the clear only where there are such networks')
  t.equal(maySubscribe('http://hooks.intern.example/', own), true)
  t.equal(maySubscribe('https://hooks.example.com/', []), true)
})

t.test('what can be an address at all', async (t) => {
  for (const good of [
    'https://a.example/x?y=z',
    'https://a.example:8443/',
    'http://10.20.0.1:8080/',
    'https://例え.jp/',
  ]) {
    t.equal(isTarget(good), true, good)
  }
  for (const bad of [
    'https://user@a.example/',
    'https://user:secret@a.example/',
    'https://a.example/#x',
    'https://a.example/#',
    'https://a.example:22/',
    'https://a.example:80/',
    'https://a.example:0/',
    'http://a.example:25/',
    'ftp://a.example/',
    'file:///etc/passwd',
    'gopher://a.example/',
    'javascript:alert(1)',
    '//a.example/',
    'a.example',
    'https://',
    'https://[::1',
    'https://1.2.3.4.5/',
    'https://256.1.1.1/',
  ]) {
    t.equal(isTarget(bad), false, bad)
  }
})

/** A server on an address of this machine that counts what it hears. */
async function serve(t: Test, host: string, port: number, listener: RequestListener) {
  const heard: string[] = []
  const server = createServer((request, response) => {
    heard.push(request.url!)
    listener(request, response)
  }).listen(port, host)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { heard, port: (server.address() as AddressInfo).port }
}

const fine: RequestListener = (_, response) => void response.writeHead(204).end()
/** Only this one address of the machine is allowed; its neighbours are what must not be reached. */
const only = [networkOf('127.0.0.2')!]

t.test('a name that changes between two look-ups wins nothing', async (t) => {
  const allowed = await serve(t, '127.0.0.2', 0, fine)
  const forbidden = await serve(t, '127.0.0.1', allowed.port, fine)
  const url = new URL(`http://rebind.example:${allowed.port}/hook`)
  const answers = [['127.0.0.2'], ['127.0.0.1'], ['127.0.0.2', '127.0.0.1'], [], ['::ffff:127.0.0.1'], ['127.0.0.2']]
  let asked = 0
  const sender = new Sender(only, async () => answers[asked++]!)
  const came: Came[] = []
  for (const _ of answers) came.push(await sender.send(url, {}, '{}'))
  t.equal(asked, answers.length, 'a name is looked up once for each try, and that is where it goes')
  t.same(
    came.map(({ delivered, error }) => error ?? delivered),
    [true, ...Array(4).fill('address not allowed'), true],
  )
  t.equal(allowed.heard.length, 2)
  t.same(forbidden.heard, [])
})

t.test('a redirect is a failure, wherever it leads', async (t) => {
  const forbidden = await serve(t, '127.0.0.1', 0, fine)
  for (const status of [301, 302, 303, 307, 308]) {
    const allowed = await serve(t, '127.0.0.2', 0, (_, response) => {
      response.writeHead(status, { location: `http://127.0.0.1:${forbidden.port}/inside` }).end()
    })
    const came = await new Sender(only).send(new URL(`http://127.0.0.2:${allowed.port}/`), {}, '{}')
    t.match(came, { delivered: false, status, error: `HTTP ${status}` })
  }
  t.same(forbidden.heard, [])
})

t.test('an answer without end is cut, a receiver that says nothing is given up', async (t) => {
  const endless = await serve(t, '127.0.0.2', 0, (_, response) => {
    response.writeHead(200)
    const write = () => {
      if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(write))
    }
    write()
  })
  t.match(await new Sender(only).send(new URL(`http://127.0.0.2:${endless.port}/`), {}, '{}'), { delivered: true })
  const silent = await serve(t, '127.0.0.2', 0, () => {})
  const impatient = new Sender(only, undefined, 200)
  const came = await impatient.send(new URL(`http://127.0.0.2:${silent.port}/`), {}, '{}')
  t.match(came, { delivered: false, status: null, error: 'no answer in time' })
  const dripping = await serve(t, '127.0.0.2', 0, (_, response) => {
    response.writeHead(200)
    response.write('x')
  })
  t.match(await impatient.send(new URL(`http://127.0.0.2:${dripping.port}/`), {}, '{}'), {
    delivered: true,
    status: 200,
  })
  const never = new Sender(only, () => new Promise(() => {}), 200)
  t.match(await never.send(new URL('http://slow.example/'), {}, '{}'), { error: 'no answer in time' })
})

t.test('what is said of a failure names no address', async (t) => {
  const closed = await serve(t, '127.0.0.2', 0, fine)
  const url = new URL(`http://127.0.0.2:${closed.port + 1 > 65_535 ? 1024 : closed.port + 1}/secret-path?token=x`)
  const { error } = await new Sender(only).send(url, {}, '{}')
  t.match(error, /^[A-Z_]+$/)
  t.notMatch(error, /127|secret|token/)
})
