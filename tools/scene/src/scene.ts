import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from '@sd/core'
import type { DriverFactory, RegistryDriver } from '@sd/core/driver'
import { Link } from './link.ts'
import { options, type Owner, ttlMs } from './owner.ts'
import type { Stage } from './stage.ts'

/** The events of the scene, for checks. */
export interface SceneResult {
  /** Ids that the watcher reported as removed, in order. */
  readonly removed: readonly string[]
  /** Those of them that it reported while the registry was away or coming back. */
  readonly lostInOutage: readonly string[]
}

/** The parts that the scene uses. */
export interface SceneParts {
  /** The backend. The scene simulates outages between its registries and this backend. */
  readonly source: DriverFactory | RegistryDriver
  readonly stage: Stage
  readonly service: string
  readonly owner: () => Owner
}

/**
 * Plays the main use case once, in about 12 s: instances register, a weight changes in place, an
 * owner crashes, the registry goes away and comes back.
 */
export const playScene = async ({
  source,
  stage,
  service,
  owner,
}: SceneParts): Promise<SceneResult> => {
  const link = new Link()
  const watching = new Registry(
    link.over(typeof source === 'function' ? source : () => source),
    options,
  )
  const owners = Array.from({ length: 4 }, owner)
  const [one, two, three, four] = owners as [Owner, Owner, Owner, Owner]
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

    stage.say('Four services register. A watcher in this process follows them.')
    for (const [index, [who, zone]] of (
      [
        [one, 'eu-1a'],
        [two, 'eu-1b'],
        [three, 'eu-1b'],
        [four, 'eu-1c'],
      ] as const
    ).entries()) {
      const number = index + 1
      await who.register({
        service,
        id: `orders-${number}`,
        endpoints: [`http://10.0.0.${number}:8080`],
        zone,
      })
      await delay(300)
    }
    await until(() => watcher.size === 4, ttlMs)
    await delay(300)

    stage.say('A weight changes in place: orders-1 is never removed.')
    await one.update(10)
    await delay(1_000)

    stage.say(
      `The owner of orders-4 crashes. The instance is removed within its ttl of ${ttlMs / 1_000} s.`,
    )
    await four.crash()
    await until(() => watcher.get('orders-4') === undefined, ttlMs * 3)
    await delay(700)

    stage.say('The registry is down for longer than the ttl. No instance is reported as removed.')
    const before = removed.length
    const living = [one, two, three]
    link.cut()
    await Promise.all(living.map((who) => who.cut()))
    await delay(ttlMs * 1.5)

    stage.say(
      'It is back, without its records. Their instances are held until they had time to return.',
    )
    link.heal()
    await until(() => watcher.stale === undefined, ttlMs * 3)
    await delay(500)

    stage.say('The services reach it again, and register again by themselves.')
    await Promise.all(living.map((who) => who.heal()))
    await until(async () => (await one.state()) === 'registered', ttlMs * 3)
    await until(() => watcher.held.length === 0, ttlMs * 3)
    await delay(700)
    const lostInOutage = removed.slice(before)

    stage.say('One deregisters, and is removed at once.')
    await one.deregister()
    await until(() => watcher.get('orders-1') === undefined, ttlMs)
    await delay(700)
    watcher.close()
    noting.close()
    await Promise.all([drawing, noted])
    return { removed, lostInOutage }
  } finally {
    await Promise.all([watching.close(), ...owners.map((who) => who.close())])
  }
}

const until = async (
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> => {
  const endMs = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > endMs)
      throw new Error('the scene did not continue in time; please report it')
    await delay(20)
  }
}
