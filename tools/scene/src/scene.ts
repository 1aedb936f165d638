import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from '@sd/core'
import type { DriverFactory, RegistryDriver } from '@sd/core/driver'
import { Link } from './link.ts'
import type { Stage } from './stage.ts'

/** Short, so that the scene is. */
const ttlMs = 2_000

/** What happened, for whoever checks the scene. */
export interface SceneResult {
  /** Ids that the watcher was told had left, in order. */
  readonly removed: readonly string[]
  /** Whether anybody was told as gone while the registry was away or came back. */
  readonly lostInOutage: readonly string[]
}

/**
 * Plays the main job once, in under 15 s: instances register, a weight changes in place, an owner
 * crashes, the registry goes away and comes back. `source` is the backend that the scene plays on; the outages are the scene's own, between this process and that backend.
 */
export const playScene = async (
  source: DriverFactory | RegistryDriver,
  stage: Stage,
  service: string,
): Promise<SceneResult> => {
  const factory: DriverFactory = typeof source === 'function' ? source : () => source
  const link = new Link()
  const crashing = new Link()
  const options = { ttlMs, closeTimeoutMs: 1_000, backoff: { minMs: 50, maxMs: 500 } }
  const open = (over: Link): Registry => new Registry(over.over(factory), options)
  const [watching, owner, doomed] = [open(link), open(link), open(crashing)]
  const removed: string[] = []
  try {
    const watcher = watching.watch(service)
    const noting = watching.watch(service)
    const drawing = stage.follow(watcher)
    const noted = (async () => {
      for await (const event of noting)
        for (const change of event.type === 'stale' ? [] : event.changes)
          if (change.type === 'removed') removed.push(change.instance.id)
    })()

    stage.say('Four instances register. A watcher in this process follows them.')
    const register = (registry: Registry, index: number, zone: string) =>
      registry.register({
        service,
        id: `orders-${index}`,
        endpoints: [`http://10.0.0.${index}:8080`],
        zone,
      })
    const one = await register(owner, 1, 'eu-1a')
    await delay(300)
    await register(owner, 2, 'eu-1b')
    await delay(300)
    await register(owner, 3, 'eu-1b')
    await delay(300)
    await register(doomed, 4, 'eu-1c')
    await delay(600)

    stage.say(`A weight changes in place: orders-1 never leaves.`)
    await one.update({ weight: 10 })
    await delay(1_000)

    stage.say(`The owner of orders-4 crashes. It leaves within its ttl of ${ttlMs / 1_000} s.`)
    crashing.cut()
    await until(() => watcher.get('orders-4') === undefined, ttlMs * 3)
    await delay(700)

    stage.say('The registry goes away, for longer than the ttl. Nobody is reported gone.')
    const before = removed.length
    link.cut()
    await delay(ttlMs * 1.5)

    stage.say('It comes back. Everybody is registered again by itself.')
    link.heal()
    await until(() => one.status.state === 'registered' && watcher.held.length === 0, ttlMs * 3)
    await until(() => watcher.stale === undefined, ttlMs * 3)
    await delay(700)
    const lostInOutage = removed.slice(before)

    stage.say('One deregisters, and is gone at once.')
    await one.deregister()
    await until(() => watcher.get('orders-1') === undefined, ttlMs)
    await delay(700)
    watcher.close()
    noting.close()
    await Promise.all([drawing, noted])
    return { removed, lostInOutage }
  } finally {
    await Promise.all([watching, owner, doomed].map((registry) => registry.close()))
  }
}

const until = async (condition: () => boolean, deadlineMs: number): Promise<void> => {
  const endMs = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error('the scene waited in vain; please report it')
    await delay(20)
  }
}
