import { expect, test } from 'vitest'
import { consul, launch, provisioned, type TestServer, until, zookeeper } from '../src/index.ts'

const provisions = await provisioned()
const wanted = (spec: TestServer) => {
  const how = provisions[spec.name]?.how
  return how === 'container' || how === 'process'
}

// These kinds run where SD_TEST_BACKENDS names them.
for (const spec of [zookeeper, consul].filter(({ name }) => !provisions[name]))
  test(`${spec.name}, which this run did not ask for, is refused with the remedy`, async () => {
    await expect(launch(spec)).rejects.toThrow('SD_TEST_BACKENDS')
  })

for (const spec of [zookeeper, consul].filter(wanted)) {
  test(`${spec.name} starts, pauses, restarts and is wiped on one port`, async () => {
    await using cluster = await launch(spec)
    const [server] = cluster.servers
    if (!server) throw new Error('no server')
    await server.pause()
    await expect(isReady(spec, server.endpoints)).resolves.toBe(false)
    await server.resume()
    await until('it serves again', () => isReady(spec, server.endpoints))
    const before = { ...server.endpoints }
    await server.restart('kill')
    await server.stop()
    await server.wipe()
    await server.start()
    expect(server.endpoints).toEqual(before)
  })

  test(`${spec.name} forms a cluster of three that loses a member`, async () => {
    await using cluster = await launch(spec, { members: ['n1', 'n2', 'n3'] })
    const [first, , third] = cluster.servers
    await third?.stop('kill')
    await until('the others serve', () => isReady(spec, first?.endpoints ?? {}))
    await third?.start()
    expect(await isReady(spec, third?.endpoints ?? {})).toBe(true)
  })
}

function isReady(spec: TestServer, endpoints: Readonly<Record<string, string>>): Promise<boolean> {
  return spec.ready(endpoints).catch(() => false)
}
