import { Registry, RegistryError } from '@sd/core'
import type { ClientReport, ClientTask } from './fork-client.ts'
import { makeFactory } from './make-factory.ts'

// The body of the process that `forkClient` starts: registers, watches, lists, reports the result,
// and closes on request. It does not call exit: it must end when no work is left.
const task = JSON.parse(process.argv[2] ?? '{}') as ClientTask

const escaped = (kind: string) => (error: unknown) => {
  process.stderr.write(`${kind}: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 70
}
process.on('uncaughtException', escaped('uncaughtException'))
process.on('unhandledRejection', escaped('unhandledRejection'))

const registry = new Registry(await makeFactory(task), {
  ttlMs: task.ttlMs,
  callTimeoutMs: task.callTimeoutMs,
  closeTimeoutMs: task.closeTimeoutMs,
  backoff: { minMs: 20, maxMs: 200 },
})
const instance = { service: 'orders', id: task.id, endpoints: ['http://10.0.0.7:8080'] }
const registered = registry.register(instance).then(
  () => 'registered',
  (error: unknown) => (error as RegistryError).code,
)
const watcher = registry.watch('orders')
const followed = (async () => {
  let events = 0
  for await (const event of watcher) events += event.type === 'stale' ? 0 : 1
  return events
})()

const list = async (): Promise<Pick<ClientReport, 'list' | 'listMs'>> => {
  const began = performance.now()
  try {
    await registry.list('orders')
    return { list: 'listed', listMs: performance.now() - began }
  } catch (error) {
    const code = error instanceof RegistryError ? error.code : String(error)
    return { list: code, listMs: performance.now() - began }
  }
}

if (task.awaitRegistered) await registered
const listed = await list()
const { registrations, session } = registry.health()
const report: ClientReport = {
  ...listed,
  state: registrations[0]?.status.state ?? 'none',
  cause: registrations[0]?.status.cause?.code ?? watcher.stale?.cause.code ?? 'none',
  sessionId: session.id ?? '',
}
process.send?.(report)

const close = async (): Promise<void> => {
  process.disconnect()
  await registry.close()
  await registered
  await followed
}
process.once('message', () => void close())
