import { createDriverContext } from '@sd/core/driver'
import { soon } from '@sd/contract-tests/world'
import { StrangeHost } from '@sd/contract-tests/servers'
import { expect, test } from 'vitest'
import { serverVersion } from '../../src/client/server-version.ts'

const { clock } = createDriverContext()

test.each(['refuses', 'silent', 'closes', 'garbage'] as const)(
  'a host that %s returns no version, and the call does not wait for one',
  async (behaviour) => {
    await using host = await StrangeHost.that(behaviour)
    expect(await serverVersion({ hosts: [host.endpoint] }, clock, soon())).toBe('unknown')
  },
)

test('the call rejects with the reason of its signal', async () => {
  await using host = await StrangeHost.that('silent')
  const reason = new Error('enough')
  const abort = new AbortController()
  const asking = serverVersion({ hosts: [host.endpoint] }, clock, abort.signal)
  abort.abort(reason)
  await expect(asking).rejects.toBe(reason)
})
