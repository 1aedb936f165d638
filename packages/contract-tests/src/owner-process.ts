import { Registry } from '@sd/core'
import type { ForkOwnerOptions } from './fork-owner.ts'
import { ids } from './instances.ts'
import { makeFactory } from './make-factory.ts'

// The body of the process that `forkOwner` starts: registers, reports its session, and
// holds the instance. A number is for how many milliseconds to block the event loop.
const options = JSON.parse(process.argv[2] ?? '{}') as ForkOwnerOptions
const registry = new Registry(await makeFactory(options), { ttlMs: options.ttlMs })
const { instance, count } = options
if (count === undefined) await registry.register(instance)
else
  await Promise.all(
    ids(instance.id ?? '', count).map((id) => registry.register({ ...instance, id })),
  )
const report = (): void => void process.send?.(registry.health().session.id ?? '')
report()

process.on('message', (blockMs: number) => {
  // the thread sleeps: nothing in it runs
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
  // its heartbeats have run again
  setTimeout(report, options.ttlMs / 2)
})
