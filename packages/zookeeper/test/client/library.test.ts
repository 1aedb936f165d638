import { createDriverContext } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { assertLibrary, type Library } from '../../src/client/library.ts'
import { createZooKeeperClient, openLibrary } from '../../src/client/node-zookeeper-client.ts'

const options = {
  hosts: ['127.0.0.1:1', '[::1]:2'],
  sessionTimeoutMs: 10_000,
  context: createDriverContext(),
}

describe('the library', () => {
  test('has the version and the parts that the client needs', () => {
    const { connection } = openLibrary(options)
    expect(connection.servers).toEqual([
      { host: '127.0.0.1', port: 1 },
      { host: '::1', port: 2 },
    ])
    expect(() => createZooKeeperClient(options)).not.toThrow()
  })

  test.each([
    'connection.findNextServer',
    'connection.packetQueue.queue',
    'jute.OP_CODES.MULTI',
    'jute.protocol.CreateRequest',
    'jute.data.ACL',
  ])('without %s is refused, naming the version that is needed', (part) => {
    const { connection, jute } = openLibrary(options)
    const copy = (from: object): object => Object.assign(Object.create(from), from)
    const changed = { connection: copy(connection), jute: copy(jute) }
    const names = part.split('.')
    let at = changed as unknown as Record<string, object>
    for (const name of names.slice(0, -1)) at = (at[name] = copy(at[name] as object)) as never
    at[names.at(-1) as string] = undefined as never
    expect(() => assertLibrary(changed as unknown as Library)).toThrow(
      new RegExp(`${part.replaceAll('.', '\\.')} is undefined, .* exactly version 1\\.1\\.3`),
    )
  })
})
