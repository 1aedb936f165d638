import { randomBytes } from 'node:crypto'
import type { RecordReader } from '../codec/record-reader.ts'
import { digestRequest, type Request, saslRequest } from '../codec/requests.ts'
import {
  digestAnswer,
  type Digests,
  digestsOf,
  type DigestInput,
  readDirectives,
} from '../codec/sasl-digest.ts'

/** Who logs in. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Why a server does not let the client in; `no-sasl`: it has no login by SASL DIGEST-MD5. */
export type LoginRefusal = 'auth-failed' | 'no-sasl'

/** One login on one link: requests and their answers in turn, after the handshake. */
export interface Login {
  readonly first: Request
  /** Takes the code and the record of an answer. Returns the next request, or how the login ended. */
  readonly next: (code: number, answer: RecordReader) => Request | 'done' | LoginRefusal
}

/** By the digest scheme: the server hashes the password, and accepts any. */
export const digestLogin = ({ username, password }: Credentials): Login => ({
  first: digestRequest(username, password),
  next: (code) => (code === 0 ? 'done' : 'auth-failed'),
})

/** What clients and servers of ZooKeeper use for every host (`ZooKeeperSaslServer`). */
const uri = 'zookeeper/zk-sasl-md5'

/** By SASL DIGEST-MD5 (RFC 2831): both sides prove that they know the password, and neither sends it. */
export const saslLogin = (credentials: Credentials): Login => {
  const cnonce = randomBytes(16).toString('hex')
  let digests: Digests | undefined
  return {
    first: saslRequest(Buffer.alloc(0)),
    next: (code, answer) => {
      if (digests === undefined) {
        const input = code === 0 ? inputOf(answer, credentials, cnonce) : undefined
        if (input === undefined) return 'no-sasl'
        digests = digestsOf(input)
        return saslRequest(digestAnswer(input, digests))
      }
      // a server with `allowSaslFailedClients` refuses with an empty answer
      const proof = code === 0 ? readDirectives(answer.text()).get('rspauth') : undefined
      return proof === digests.rspauth ? 'done' : 'auth-failed'
    },
  }
}

/** From the server's challenge; `undefined` if it is none of DIGEST-MD5 that this client can answer. */
const inputOf = (
  challenge: RecordReader,
  credentials: Credentials,
  cnonce: string,
): DigestInput | undefined => {
  const directives = readDirectives(challenge.text())
  const [realm = '', nonce] = [directives.get('realm'), directives.get('nonce')]
  const qualities = (directives.get('qop') ?? 'auth').split(',').map((each) => each.trim())
  if (nonce === undefined || !qualities.includes('auth')) return undefined
  return { ...credentials, realm, nonce, cnonce, uri }
}
