import { expect, test } from 'vitest'
import { socketTrouble } from '../../../src/client/connection/socket-trouble.ts'

const coded = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })
const hangUps = [undefined, coded('ECONNRESET'), coded('EPIPE')]

test('a host that hangs up before a session exists may have too many connections', () => {
  for (const error of hangUps)
    for (const phase of ['dialling', 'handshake'])
      expect(socketTrouble(phase, error, false)).toMatch(
        /hangs up .* maxClientCnxns .* expects TLS/,
      )
  for (const error of hangUps) {
    expect(socketTrouble('dialling', error, true)).toMatch(/TLS handshake.*secureClientPort/)
    expect(socketTrouble('handshake', error, true)).toMatch(/maxClientCnxns .* expects no TLS/)
  }
})

test('a host that ends a connection in use is told by what it did', () => {
  expect(socketTrouble('open', undefined, false)).toBe('it closed the connection')
  expect(socketTrouble('open', coded('EPIPE'), false)).toBe('it closed the connection (EPIPE)')
  expect(socketTrouble('open', coded('ECONNRESET'), true)).toBe(
    'it reset the connection (ECONNRESET)',
  )
})

test('what the network says is told in words, an unknown code by its message', () => {
  expect(socketTrouble('dialling', coded('ECONNREFUSED'), false)).toMatch(/refuses connections/)
  expect(socketTrouble('dialling', coded('EHOSTDOWN'), false)).toBe('EHOSTDOWN')
  const plain = new Error(
    '40D:error:0A00010B:SSL routines:tls_validate_record:wrong version number',
  )
  expect(socketTrouble('dialling', plain, true)).toMatch(/does not speak TLS.*secureClientPort/)
})
