import { createHash } from 'node:crypto'

/** Who logs in, and what both sides have chosen for one login. */
export interface DigestInput {
  readonly username: string
  readonly password: string
  readonly realm: string
  /** Chosen by the server. */
  readonly nonce: string
  /** Chosen by the client. */
  readonly cnonce: string
  /** The service and its host, as both sides name it. */
  readonly uri: string
}

/** What each side proves with: only who knows the password can calculate them. */
export interface Digests {
  readonly response: string
  /** The server's answer to `response`. */
  readonly rspauth: string
}

/** The directives of a challenge or an answer: `key=value` or `key="value"`, separated by commas. */
export const readDirectives = (text: string): ReadonlyMap<string, string> => {
  const directives = new Map<string, string>()
  for (const [, key = '', quoted, plain = ''] of text.matchAll(
    /([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))/g,
  ))
    if (!directives.has(key)) directives.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain)
  return directives
}

const md5 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Names and passwords are hashed in ISO 8859-1 if that has all their characters. */
const hashed = (text: string): Buffer =>
  Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1')

/** The digests of a first login, without `authzid` and with `qop=auth` (RFC 2831, 2.1.2.1 and 2.1.3). */
export const digestsOf = (input: DigestInput): Digests => {
  const { username, password, realm, nonce, cnonce, uri } = input
  const secret = md5(hashed(username), ':', hashed(realm), ':', hashed(password))
  const a1 = md5(secret, `:${nonce}:${cnonce}`).toString('hex')
  const digest = (a2: string): string => {
    const subject = md5(a2).toString('hex')
    return md5(`${a1}:${nonce}:00000001:${cnonce}:auth:${subject}`).toString('hex')
  }
  return { response: digest(`AUTHENTICATE:${uri}`), rspauth: digest(`:${uri}`) }
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The client's answer to a challenge. */
export const digestAnswer = (input: DigestInput, { response }: Digests): Buffer => {
  const { username, realm, nonce, cnonce, uri } = input
  const directives = [
    'charset=utf-8',
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    'nc=00000001',
    `cnonce=${quote(cnonce)}`,
    `digest-uri=${quote(uri)}`,
    `response=${response}`,
    'qop=auth',
  ]
  return Buffer.from(directives.join(','))
}
