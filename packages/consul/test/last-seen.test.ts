import { StrangeHost } from '@sd/contract-tests/servers'
import { Registry } from '@sd/core'
import { describe, expect, test } from 'vitest'
import { consul } from '../src/index.ts'

describe('the error of a call tells what the agent does', () => {
  test.each([
    ['refuses', /ECONNREFUSED/],
    ['closes', /other side closed|ECONNRESET|EPIPE/],
    ['silent', /http:\S+ accepted a connection, and has not answered/],
  ] as const)('one that %s', async (behaviour, told) => {
    await using host = await StrangeHost.that(behaviour)
    await using registry = new Registry(consul({ endpoint: `http://${host.endpoint}` }), {
      callTimeoutMs: 600,
      closeTimeoutMs: 100,
      logger: false,
    })
    for (const call of [registry.list('orders'), registry.ping()]) {
      const failure = await call.then(() => 'resolved', String)
      expect(failure).toMatch(told)
      expect(failure).not.toContain('no answer within')
    }
  })
})
