import type {
  Cursor,
  DriverFactory,
  DriverSession,
  Observation,
  RegistryDriver,
  Scope,
} from '@sd/core/driver'
import type { MemoryWorld } from './memory-world.ts'

/** A driver with one fault, and the ids of the cases that must fail on it. */
export interface Variant {
  readonly name: string
  readonly caughtBy: readonly string[]
  /** Creates it, on its own world. */
  readonly make: (world: MemoryWorld) => (namespace: string) => DriverFactory
}

/** The surroundings of a wrong driver or session. */
export interface Place {
  readonly world: MemoryWorld
  readonly namespace: string
  readonly driver: RegistryDriver
}

type Observe = (
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
) => AsyncIterable<Observation>

const copyOf = (driver: RegistryDriver): RegistryDriver => ({
  backend: driver.backend,
  capabilities: driver.capabilities,
  openSession: (options, signal) => driver.openSession(options, signal),
  list: (scope, signal) => driver.list(scope, signal),
  observe: (scope, cursor, signal) => driver.observe(scope, cursor, signal),
  probe: (signal) => driver.probe(signal),
  edit: async (record, instance, signal) =>
    (await driver.edit?.(record, instance, signal)) ?? 'absent',
  [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
})

const sessionCopyOf = (session: DriverSession): DriverSession => ({
  id: session.id,
  grantedTtlMs: session.grantedTtlMs,
  get lost() {
    return session.lost
  },
  renew: (signal) => session.renew(signal),
  put: (requests, signal) => session.put(requests, signal),
  remove: (refs, signal) => session.remove(refs, signal),
  audit: (refs, signal) => session.audit(refs, signal),
  close: (signal) => session.close(signal),
})

/** The memory driver with some methods replaced. */
export const wrongDriver = (
  name: string,
  caughtBy: readonly string[],
  change: (right: RegistryDriver, place: Omit<Place, 'driver'>) => Partial<RegistryDriver>,
): Variant => ({
  name,
  caughtBy,
  make: (world) => (namespace) => (context) => {
    const right = world.correct(namespace)(context)
    return { ...copyOf(right), ...change(right, { world, namespace }) }
  },
})

/** The memory driver with some methods of its sessions replaced. */
export const wrongSession = (
  name: string,
  caughtBy: readonly string[],
  change: (right: DriverSession, place: Place) => Partial<DriverSession>,
): Variant =>
  wrongDriver(name, caughtBy, (driver, place) => ({
    openSession: async (options, signal) => {
      const right = await driver.openSession(options, signal)
      const copy = sessionCopyOf(right)
      const changed = change(right, { ...place, driver })
      return Object.defineProperties(copy, Object.getOwnPropertyDescriptors(changed))
    },
  }))

/** The memory driver with another `observe`. */
export const wrongObserve = (
  name: string,
  caughtBy: readonly string[],
  change: (right: Observe, driver: RegistryDriver) => Observe,
): Variant =>
  wrongDriver(name, caughtBy, (driver) => ({
    observe: change((scope, cursor, signal) => driver.observe(scope, cursor, signal), driver),
  }))
