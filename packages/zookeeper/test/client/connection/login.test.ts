import { describe, expect, test } from 'vitest'
import { RecordReader } from '../../../src/client/codec/record-reader.ts'
import { RecordWriter } from '../../../src/client/codec/record-writer.ts'
import { Request } from '../../../src/client/codec/requests.ts'
import { digestsOf, readDirectives } from '../../../src/client/codec/sasl-digest.ts'
import { digestLogin, saslLogin } from '../../../src/client/connection/login.ts'

const credentials = { username: 'app', password: 'hunter2' }
const challenge = 'realm="zk-sasl-md5",nonce="n0nce",charset=utf-8,algorithm=md5-sess'

const token = (text: string): RecordReader =>
  new RecordReader(new RecordWriter().text(text).finish())

/** The directives of a request with a token: after length, number, operation and length of the token. */
const directivesOf = (request: Request): ReadonlyMap<string, string> =>
  readDirectives(request.frame.subarray(16).toString())

const answered = (text: string, code = 0) => saslLogin(credentials).next(code, token(text))

describe('a login by SASL', () => {
  test('begins with an empty token, answers the challenge, and ends with the proof of the server', () => {
    const login = saslLogin(credentials)
    expect(login.first.frame.readInt32BE(12)).toBe(0)
    const request = login.next(0, token(challenge)) as Request
    expect(request).toBeInstanceOf(Request)
    const sent = directivesOf(request)
    const digests = digestsOf({
      ...credentials,
      realm: 'zk-sasl-md5',
      nonce: 'n0nce',
      cnonce: sent.get('cnonce') ?? '',
      uri: 'zookeeper/zk-sasl-md5',
    })
    expect(sent.get('response')).toBe(digests.response)
    expect(login.next(0, token(`rspauth=${digests.rspauth}`))).toBe('done')
  })

  test('is refused where the answer is an error, empty, or proves nothing', () => {
    for (const [text, code] of [
      ['', -115],
      ['', -124],
      ['', 0],
      ['rspauth=0', 0],
    ] as const) {
      const login = saslLogin(credentials)
      login.next(0, token(challenge))
      expect(login.next(code, token(text))).toBe('auth-failed')
    }
  })

  test('is not possible where the server has no challenge of DIGEST-MD5', () => {
    expect(answered('', -115)).toBe('no-sasl')
    expect(answered('')).toBe('no-sasl')
    expect(answered('realm="x"')).toBe('no-sasl')
    expect(answered(`${challenge},qop="auth-int,auth-conf"`)).toBe('no-sasl')
    expect(answered(`${challenge},qop="auth-int, auth"`)).toBeInstanceOf(Request)
  })

  test('chooses another nonce each time', () => {
    const nonces = [0, 1].map(() => directivesOf(answered(challenge) as Request).get('cnonce'))
    expect(new Set(nonces).size).toBe(2)
  })
})

test('a login by the digest scheme is one request', () => {
  const { first, next } = digestLogin(credentials)
  expect(first.frame.toString()).toContain('digest')
  expect([next(0, token('')), next(-115, token(''))]).toEqual(['done', 'auth-failed'])
})
