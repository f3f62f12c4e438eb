import ipaddr from 'ipaddr.js'

/** Networks of the operator's own that webhooks may be sent to, as addresses with prefix lengths. */
export type Networks = readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]

/** Reads `10.1.0.0/16`, or one address; undefined when it is neither. */
export function networkOf(text: string): Networks[number] | undefined {
  if (!isAddress(text.split('/')[0]!)) return undefined
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!isAddress(text)) return undefined
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** An address in its plain form; the library would also take `0x7f.1`. */
const isAddress = (text: string) => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)

/** What is global and unicast in IPv6; below and above are forms that wrap an IPv4 address, and special ones. */
const GLOBAL = ipaddr.parseCIDR('2000::/3')
/** A cloud's metadata service on an address that is otherwise public (Azure). */
const METADATA = '168.63.129.16'

const isIn = (address: ipaddr.IPv4 | ipaddr.IPv6, network: Networks[number]) =>
  address.kind() === network[0].kind() && address.match(network as never)

/**
 * Whether a webhook may be sent to this IP address: a public one over TLS, or any in the operator's own networks. Not
 * public is all that IANA's special-purpose registries list: private, loopback, link-local (metadata services), shared
 * (CGNAT), benchmarking, reserved, and IPv6 forms that wrap an IPv4 address (mapped, 6to4, Teredo, NAT64).
 */
export function mayReach(text: string, isEncrypted: boolean, own: Networks): boolean {
  if (!isAddress(text)) return false
  // A mapped IPv4 address is that IPv4 address.
  const address = ipaddr.process(text)
  if (own.some((network) => isIn(address, network))) return true
  if (!isEncrypted || address.range() !== 'unicast' || address.toString() === METADATA) return false
  return address.kind() === 'ipv4' || isIn(address, GLOBAL)
}

/** Ports below this are other services'; a receiver has the port of its scheme or one above. */
const FIRST_PORT = 1024

/** Whether a text is an address that events can be sent to at all: https or http, without credentials or fragment. */
export function isTarget(text: string): boolean {
  if (!URL.canParse(text) || text.includes('#')) return false
  const { protocol, username, password, port } = new URL(text)
  if (protocol !== 'https:' && protocol !== 'http:') return false
  return username === '' && password === '' && (port === '' || Number(port) >= FIRST_PORT)
}

/** The IP address an URL names by itself, however it is written (`2130706433`, `0x7f.1`); undefined of a name. */
export function literalOf({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  return isAddress(bare) ? bare : undefined
}

/** Whether an address may be subscribed at all; what its name stands for is looked at whenever something is sent. */
export function maySubscribe(text: string, own: Networks): boolean {
  const url = new URL(text)
  const isEncrypted = url.protocol === 'https:'
  const literal = literalOf(url)
  return literal === undefined ? isEncrypted || own.length > 0 : mayReach(literal, isEncrypted, own)
}
