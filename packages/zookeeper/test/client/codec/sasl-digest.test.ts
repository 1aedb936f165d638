import { describe, expect, test } from 'vitest'
import { digestAnswer, digestsOf, readDirectives } from '../../../src/client/codec/sasl-digest.ts'

/** The example of RFC 2831, section 4. */
const example = {
  username: 'chris',
  password: 'secret',
  realm: 'elwood.innosoft.com',
  nonce: 'OA6MG9tEQGm2hh',
  cnonce: 'OA6MHXh6VqTrRk',
  uri: 'imap/elwood.innosoft.com',
}

describe('digests of SASL DIGEST-MD5', () => {
  test('are those of the example in the RFC', () => {
    expect(digestsOf(example)).toEqual({
      response: 'd388dad90d4bbd760a152321f2143af7',
      rspauth: 'ea40f60335c427b5527b84dbabcdfffd',
    })
  })

  test('depend on each part', () => {
    const { response } = digestsOf(example)
    for (const part of Object.keys(example))
      expect(digestsOf({ ...example, [part]: 'other' }).response).not.toBe(response)
  })
})

describe('directives', () => {
  test('are read with and without quotes, the first of each name', () => {
    const challenge =
      'realm="zk-sasl-md5",realm="other",nonce="a\\"b\\\\c, d=e", charset=utf-8,algorithm=md5-sess'
    expect([...readDirectives(challenge)]).toEqual([
      ['realm', 'zk-sasl-md5'],
      ['nonce', 'a"b\\c, d=e'],
      ['charset', 'utf-8'],
      ['algorithm', 'md5-sess'],
    ])
    expect(readDirectives('').size).toBe(0)
  })

  test('of an answer are read as they were meant', () => {
    const username = 'a"b\\c,d=ü€'
    const written = digestAnswer({ ...example, username }, digestsOf(example)).toString()
    expect(Object.fromEntries(readDirectives(written))).toEqual({
      charset: 'utf-8',
      username,
      realm: example.realm,
      nonce: example.nonce,
      nc: '00000001',
      cnonce: example.cnonce,
      'digest-uri': example.uri,
      response: 'd388dad90d4bbd760a152321f2143af7',
      qop: 'auth',
    })
    expect(written).not.toContain(example.password)
  })
})
