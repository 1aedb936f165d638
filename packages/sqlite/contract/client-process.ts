import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type InstanceChange, Registry, RegistryError, type WatchEvent } from '@sd/core'
import { sqlite } from '../src/index.ts'
import type { ClientCommands, ClientOptions, Seen } from './fork-client.ts'

// The body of the process that `forkClient` starts: executes commands, and ends by itself once
// its registry is closed, as no work is left.
const { path, namespace, ttlMs, runAs } = JSON.parse(process.argv[2] ?? '{}') as ClientOptions
if (runAs) {
  process.setgroups?.(runAs.groups)
  process.setgid?.(runAs.gid)
  process.setuid?.(runAs.uid)
}
const registry = new Registry(sqlite({ path, namespace }), {
  ttlMs,
  closeTimeoutMs: 1_500,
  backoff: { minMs: 50, maxMs: 1_000 },
})
const loop = monitorEventLoopDelay({ resolution: 5 })
loop.enable()

const endpoints = ['http://10.0.0.7:8080']
/** A clock that is the same in every process. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

const tell = (event: WatchEvent<InstanceChange>): void => {
  if (event.type === 'stale') return
  const changes = event.changes.map(({ type, instance }): Seen => ({
    type,
    id: instance.id,
    weight: instance.weight,
    atMs: nowMs(),
  }))
  process.send?.({ changes })
}

const commands: ClientCommands = {
  register: async (ids, bytes = 0) => {
    const beganMs = nowMs()
    const metadata = { text: 'x'.repeat(bytes) }
    await Promise.all(
      ids.map((id) => registry.register({ service: 'orders', id, endpoints, metadata })),
    )
    return { beganMs, doneMs: nowMs() }
  },
  update: async (id, weight) => {
    const registration = await registry.register({ service: 'orders', id, endpoints, weight })
    return registration.status.state
  },
  list: async () => (await registry.list('orders')).map(({ id }) => id).toSorted(),
  states: async () =>
    registry
      .health()
      .registrations.map(({ status: { state, cause } }) =>
        cause === undefined ? state : `${state}: ${cause.code}`,
      ),
  watch: async () => {
    const watcher = registry.watch('orders')
    const first = await watcher.next()
    if (first) tell(first)
    void (async () => {
      for await (const event of watcher) tell(event)
    })()
  },
  longestBlockMs: async () => {
    const { max } = loop
    loop.reset()
    return max / 1e6
  },
  close: async () => {
    loop.disable()
    await registry.close()
  },
}

const run = commands as unknown as Readonly<
  Record<string, (...args: readonly unknown[]) => Promise<unknown>>
>
process.on('message', ({ id, name, args }: { id: number; name: string; args: unknown[] }) => {
  const answer = (reply: object): void => {
    process.send?.({ id, ...reply }, () => {
      if (name === 'close') process.disconnect()
    })
  }
  run[name]?.(...args).then(
    (value) => answer({ value }),
    (error: unknown) =>
      answer({ failure: error instanceof RegistryError ? error.message : String(error) }),
  )
})
process.send?.('ready')
