import { Child } from '@sd/calling-tests'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { MemoryOptions, MemoryReport } from './memory.ts'

/** The whole load with SD_LONG_TESTS=1. */
const load =
  process.env['SD_LONG_TESTS'] === '1'
    ? { services: 100, instancesPerService: 100, requestsPerService: 1_000 }
    : { services: 20, instancesPerService: 25, requestsPerService: 50 }

test.skipIf(process.platform !== 'linux')(
  'pools close and the heap shrinks again after every instance is replaced (on Linux, where all of 127.0.0.0/8 is loopback)',
  { timeout: 300_000 },
  async () => {
    const server = createServer((_request, response) => response.end('ok'))
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const options: MemoryOptions = { port, ...load }
    await using child = await Child.start(new URL('memory-process.ts', import.meta.url), options, [
      '--expose-gc',
    ])
    const report = await child.message<MemoryReport>()
    console.log(JSON.stringify({ ...load, ...report }))
    expect(report.used.pools).toBeGreaterThan(load.services)
    expect(report.after.pools).toBeLessThanOrEqual(load.services)
    expect(report.after.heapMiB / report.before.heapMiB).toBeLessThan(1.1)
    server.closeAllConnections()
    server.close()
  },
)
