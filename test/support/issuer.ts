import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { type Issuer, issuerList } from '../../src/platform/issuers.js'

/** A key pair of an issuer: the private half signs, the public one is what it publishes. */
export interface Pair {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export async function newPair(kid: string, alg = 'ES256', more: JWK = {}): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig', ...more } }
}

/** A real OpenID provider on loopback, as far as discovery and keys go; tests change what it publishes and how. */
export class TestIssuer {
  /** What it publishes. */
  keys: JWK[] = []
  /** What its discovery document says instead. */
  document: Record<string, unknown> = {}
  /** Answers instead of it, a document or the keys. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** How often its keys were asked for. */
  fetched = 0
  /** How often it was asked for anything. */
  asked = 0
  readonly #server = createServer((request, response) => this.#answer(request, response))

  static async open(): Promise<TestIssuer> {
    const issuer = new TestIssuer()
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/realm`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const isKeys = request.url === '/realm/keys'
    this.asked++
    if (isKeys) this.fetched++
    if (this.instead) {
      this.instead(request, response)
      return
    }
    const found = { issuer: this.url, jwks_uri: `${this.url}/keys`, ...this.document }
    const isDocument = request.url === '/realm/.well-known/openid-configuration'
    response.writeHead(isKeys || isDocument ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKeys ? { keys: this.keys } : found))
  }

  /** Its configuration, of Jiangsu and with our own words in its tokens if nothing else is said. */
  configured(over: Record<string, unknown> = {}): Issuer {
    const claims = { organisation: 'organisation', jurisdiction: 'jurisdiction' }
    const given = {
      name: 'jiangsu',
      issuer: this.url,
      audience: 'clearing',
      jurisdictions: ['320000'],
      claims,
      ...over,
    }
    return issuerList.parse([given])[0]!
  }
}

/** A token as an issuer makes it. Times in its payload are seconds, as in any token. */
export function signed(pair: Pair, payload: object, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
  const { alg, kid, privateKey } = pair
  return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid, typ: 'JWT', ...header }).sign(privateKey)
}
