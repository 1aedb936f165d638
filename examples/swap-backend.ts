// One program, any backend: the URL is all that differs.
//   node --conditions=@sd/source examples/swap-backend.ts \
//     etcd://127.0.0.1:2379 zookeeper://127.0.0.1:2181 consul://127.0.0.1:8500
import { createRegistry } from '@sd/registry'

/** Registers, finds, watches an update and the departure, and tells what it saw. */
const visit = async (url: string): Promise<readonly string[]> => {
  const registry = await createRegistry(url)
  const seen: string[] = []
  try {
    const service = `swap-${process.pid}`
    const registration = await registry.register({
      service,
      id: 'a',
      endpoints: ['http://127.0.0.1:8080'],
    })
    seen.push(`listed ${(await registry.list(service)).map(({ id }) => id).join()}`)
    const watcher = registry.watch(service)
    for await (const event of watcher) {
      if (event.type === 'stale') continue
      for (const { type, instance } of event.changes)
        seen.push(`${type} ${instance.id} weight ${instance.weight}`)
      if (watcher.size === 0) break
      if (watcher.get('a')?.weight === 100) await registration.update({ weight: 5 })
      else await registration.deregister()
    }
  } finally {
    await registry.close()
  }
  return seen
}

const urls = process.argv.slice(2)
for (const url of urls.length > 0 ? urls : ['memory:']) {
  const scheme = url.slice(0, url.indexOf(':'))
  console.log(`${scheme}: ${(await visit(url)).join('; ')}`)
}
