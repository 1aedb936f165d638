import { setTimeout as delay } from 'node:timers/promises'
import { makeFactory } from '@sd/contract-tests/world'
import { Registry } from '@sd/core'
import { until } from '@sd/test-servers'
import type { ChaosBackend } from '../backends/chaos-backend.ts'
import { ClientHandle } from '../processes/client-handle.ts'
import { Recorder } from '../run/recorder.ts'
import type { EventOf, TimelineEvent, ToldChange } from '../timeline/timeline-event.ts'

/** What one run measured, in milliseconds. */
export interface Measured {
  /** From the SIGKILL of each owner to the event of a watcher in another process. */
  readonly killedMs: readonly number[]
  /** From each call of `update` to the event of a watcher in another process. */
  readonly changeMs: readonly number[]
  /** From the first call of `register` until all {@link many} have resolved. */
  readonly registerMs: number
  /** From the first answer of a wiped server until another client lists all {@link many}. */
  readonly backMs: number
}

/** The ttl of the owners that are killed. */
export const killedTtlMs = 2_000
/** How many instances are registered at once. */
export const many = 1_000

const kills = 5
const changes = 50
const service = 'orders'
/** The resolution of the time until all instances are back. */
const listEveryMs = 100
/** Registering or restoring {@link many} takes this long at most, on a busy machine. */
const manyDeadlineMs = 120_000

/** Measures one backend, past its links: processes reach it directly. */
export const measureBackend = async (backend: ChaosBackend): Promise<Measured> => ({
  ...(await measureProcesses(backend)),
  ...(await measureMany(backend)),
})

/** A watcher, and owners that change and are killed, each a process of its own. */
const measureProcesses = async (
  backend: ChaosBackend,
): Promise<Pick<Measured, 'killedMs' | 'changeMs'>> => {
  const recorder = new Recorder()
  const start = (process: string): ClientHandle =>
    new ClientHandle(
      {
        process,
        place: backend.place('direct', 'processes'),
        ttlMs: killedTtlMs,
        callTimeoutMs: 3_000,
        closeTimeoutMs: 1_000,
        backoff: { minMs: 100, maxMs: 5_000 },
        originMs: recorder.originMs,
      },
      'a',
      (event) => recorder.add(event),
      (how, stderr) => recorder.note({ type: 'process-ended', process, how, stderr }),
    )
  /** When the first such event happened, once it has been reported. */
  const timeOf = async (
    what: string,
    matches: (event: TimelineEvent) => boolean,
  ): Promise<number> => {
    let found: TimelineEvent | undefined
    await until(what, () => {
      found = recorder.events.find(matches)
      const failed = recorder.events.find(hasFailed)
      if (failed !== undefined) throw new Error(`${failed.process} ended: ${failed.stderr}`)
      return found !== undefined
    })
    return found?.atMs ?? Number.NaN
  }
  const told = (what: string, matches: (change: ToldChange) => boolean): Promise<number> =>
    timeOf(
      `the watcher sees ${what}`,
      (event) => event.type === 'told' && event.changes.some(matches),
    )

  const watcher = start('watcher')
  const owners = Array.from({ length: kills }, (_, index) => start(`owner-${index}`))
  try {
    watcher.send({ order: 'watch', watcher: 'w', scope: { service } })
    for (const [handle, owner] of owners.entries())
      owner.send({
        order: 'register',
        handle,
        service,
        id: owner.name,
        weight: 1_000,
        onConflict: 'takeover',
        waitFor: 'registered',
      })
    for (const [handle, { name }] of owners.entries()) {
      await timeOf(`${name} is registered`, (event) => isRegistered(event, handle))
      await told(`${name} added`, (change) => change.type === 'added' && change.id === name)
    }

    const changeMs: number[] = []
    for (let weight = 1; weight <= changes; weight += 1) {
      owners[0]?.send({ order: 'update', handle: 0, weight })
      const seenMs = await told(
        `weight ${weight}`,
        (change) => change.type === 'updated' && change.weight === weight,
      )
      const calledMs = await timeOf(
        'the update was called',
        (event) => event.type === 'updating' && event.weight === weight,
      )
      changeMs.push(seenMs - calledMs)
    }

    const killedMs: Promise<number>[] = []
    for (const owner of owners) {
      const killedAtMs = recorder.nowMs()
      owner.kill()
      killedMs.push(
        told(
          `${owner.name} removed`,
          (change) => change.type === 'removed' && change.id === owner.name,
        ).then((seenMs) => seenMs - killedAtMs),
      )
      // not a multiple of the time between heartbeats: owners die at different distances from theirs
      await delay(killedTtlMs * 0.3)
    }
    return { killedMs: await Promise.all(killedMs), changeMs }
  } finally {
    for (const client of [watcher, ...owners]) client.kill()
    await Promise.all([watcher, ...owners].map(({ ended }) => ended))
  }
}

const isRegistered = (event: TimelineEvent, handle: number): event is EventOf<'register-ended'> =>
  event.type === 'register-ended' && event.handle === handle && event.ending === 'resolved'

/** A process that ended by itself; those that are killed write nothing. */
const hasFailed = (event: TimelineEvent): event is EventOf<'process-ended'> =>
  event.type === 'process-ended' && event.how !== 'SIGKILL'

/** Many instances of one process, with the default options. */
const measureMany = async (
  backend: ChaosBackend,
): Promise<Pick<Measured, 'registerMs' | 'backMs'>> => {
  const open = async (): Promise<Registry> =>
    new Registry(await makeFactory(backend.place('direct', 'many')))
  await using owner = await open()
  await using reader = await open()
  const instance = (id: string) => ({ service, id, endpoints: ['http://10.0.0.7:8080'] })
  const ids = Array.from({ length: many }, (_, index) => `i${index}`)
  // the connection and the session are open
  await owner.register({ ...instance('first'), service: 'others' })
  const beganMs = performance.now()
  await Promise.all(ids.map((id) => owner.register(instance(id))))
  const registerMs = performance.now() - beganMs

  await backend.server.stop('kill')
  await backend.server.wipe()
  await backend.server.start()
  return { registerMs, backMs: await timeUntilListed(reader) }
}

/** Lists with pauses in between: a list of this size takes a server from its work. */
const timeUntilListed = async (registry: Registry): Promise<number> => {
  const beganMs = performance.now()
  await until(
    `${many} instances are listed again`,
    async () => {
      if ((await registry.list(service)).length === many) return true
      await delay(listEveryMs)
      return false
    },
    manyDeadlineMs,
  )
  return performance.now() - beganMs
}
