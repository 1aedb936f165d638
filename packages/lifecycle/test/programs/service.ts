// A service as a process; its first argument selects a fault.
import { createServer } from 'node:http'
import { createRegistry } from '@sd/registry'
import { httpServer, runService } from '../../src/index.ts'

const [manner] = process.argv.slice(2)
const server = createServer((request, response) => {
  if (request.url === '/hang') return
  response.end('ok')
})
const service = await runService({
  registry: await createRegistry('memory:'),
  instance: { service: 'orders' },
  listen: httpServer(server, { host: '127.0.0.1' }),
  propagationMs: 100,
  uncaughtException: true,
  ...(manner === 'forget' ? { onStop: () => void setInterval(() => {}, 1_000) } : {}),
  ...(manner === 'fail' ? { onStop: () => Promise.reject(new Error('x')) } : {}),
  onPhase: ({ phase }) => console.log(phase),
})
for await (const { state } of service.registration.statuses()) if (state === 'registered') break
console.log(`listening ${service.ports[0]?.port}`)
if (manner === 'throw') setImmediate(() => void JSON.parse('{'))
