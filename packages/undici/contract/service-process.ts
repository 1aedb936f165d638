import { httpServer, runService } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'
import { answering } from './answering.ts'

// A service that leaves in order on SIGTERM. Arguments: the registry's URL and an id.
const [url, id = ''] = process.argv.slice(2)
const service = await runService({
  registry: await createRegistry(url),
  instance: { service: 'orders', id },
  // this machine may be busy, and a removal that comes late would fail the restart
  deregisterTimeoutMs: 10_000,
  listen: httpServer(answering(), { host: '127.0.0.1' }),
})
for await (const { state } of service.registration.statuses()) if (state === 'registered') break
console.log('registered')
