// Registers a service and follows it, until interrupted. In one terminal, or in several:
//   SD_URL=etcd://127.0.0.1:2379 node --conditions=@sd/source examples/register-and-watch.ts orders
import { createRegistry, RegistryError } from '@sd/registry'

const service = process.argv[2] ?? 'orders'
const registry = await createRegistry()
const leaving = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => leaving.abort(new Error(signal)))

try {
  const registration = await registry.register(
    { service, endpoints: [`http://127.0.0.1:${3_000 + (process.pid % 1_000)}`] },
    { signal: leaving.signal },
  )
  console.log(`registered ${service}/${registration.id}`)
  for await (const event of registry.watch(service, { signal: leaving.signal })) {
    if (event.type === 'stale') console.log(`stale: ${event.cause.message}`)
    else for (const { type, instance } of event.changes) console.log(`${type} ${instance.id}`)
  }
} catch (error) {
  if (!leaving.signal.aborted) {
    console.error(error instanceof RegistryError ? error.message : error)
    process.exitCode = 1
  }
} finally {
  await registry.close() // takes the registration back
}
