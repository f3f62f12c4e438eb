import { once } from 'node:events'
import { isIP, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/**
 * The sockets under the driver's connections. The driver (postgres 3.4) notices a lost connection in two steps, 'error'
 * and then 'close'; what is asked in between is written to the dead socket and never answered, or answered with the
 * next connection's results. Sockets of ours make one step of it: a connection that was open only closes.
 */

/** What the driver says of where it connects to. */
interface Place {
  readonly host: readonly string[]
  readonly port: readonly number[]
}

export type Encryption = 'disable' | 'prefer' | 'require' | 'verify-full'

/** How long a host may take to accept a connection, in milliseconds. */
const CONNECT_WITHIN = 5000
/** The pause after each round over all hosts, in milliseconds: a failover takes seconds. */
const PAUSE = 100
/** Asks a PostgreSQL whether it would encrypt. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** Opens sockets to the hosts of one driver in turn, so that the next one is tried when one is not the primary. */
export function socketOpener(encryption: Encryption): (place: Place) => Promise<Socket> {
  let next = 0
  return async ({ host, port }) => {
    const at = next++ % host.length
    if (at === 0 && next > host.length && host.length > 1) await sleep(PAUSE)
    const socket = new Socket()
    try {
      const open = await openedTo(socket, host[at]!, port[at]!, encryption)
      closeOnly(open)
      return open
    } catch (error) {
      socket.destroy()
      return failed(error as Error)
    }
  }
}

/** The driver wants a socket, and to hear from that what is wrong, once it has written its greeting. */
function failed(error: Error): Socket {
  const socket = new Socket()
  socket.write = () => true
  setImmediate(() => setImmediate(() => socket.destroy(error)))
  return socket
}

async function openedTo(socket: Socket, host: string, port: number, encryption: Encryption): Promise<Socket> {
  const late = AbortSignal.timeout(CONNECT_WITHIN)
  const give = () => socket.destroy(Object.assign(new Error(`${host}:${port} does not answer`), { code: 'ETIMEDOUT' }))
  late.addEventListener('abort', give)
  try {
    socket.connect(port, host)
    await once(socket, 'connect')
    if (encryption === 'disable') return socket
    socket.write(SSL_REQUEST)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    if (answer[0] === 0x53) return await encrypted(socket, host, encryption)
    if (encryption === 'prefer') return socket
    throw new Error(`${host}:${port} does not encrypt`)
  } finally {
    late.removeEventListener('abort', give)
  }
}

async function encrypted(socket: Socket, host: string, encryption: Encryption): Promise<TLSSocket> {
  const name = isIP(host) ? {} : { servername: host }
  const secure = connectTls({ socket, host, ...name, rejectUnauthorized: encryption === 'verify-full' })
  await once(secure, 'secureConnect')
  return secure
}

function closeOnly(socket: Socket): void {
  const emit = socket.emit.bind(socket)
  socket.emit = (event: string | symbol, ...rest: unknown[]) => {
    if (event === 'error') return true
    return emit(event, ...(event === 'close' ? [false] : rest))
  }
}
