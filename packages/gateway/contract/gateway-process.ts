import { Gateway } from '../src/index.ts'
import { createRegistry } from '@sd/registry'

// A gateway in a process of its own. Options: the registry's URL and a port. Answers each message with
// its memory in bytes.
const { url, port } = JSON.parse(process.argv[2] ?? '{}') as { url: string; port: number }
const gateway = new Gateway({
  discovery: await createRegistry(url),
  routes: [{ service: 'orders', retry: false }],
})
const bound = await gateway.listen({ host: '127.0.0.1', port })
process.on('message', () => process.send?.(process.memoryUsage.rss()))
process.send?.(bound)
