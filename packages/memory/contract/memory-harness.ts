import { Registry } from '@sd/core'
import type { DriverFactory } from '@sd/core/driver'
import type { ContractHarness, Need } from '@sd/contract-tests'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'

/** The hooks of the memory backend, which implements all faults itself. */
export const memoryNeeds: readonly Need[] = [
  'connectDirect',
  'server',
  'partition',
  'slow',
  'expireSession',
  'loseHistory',
  'backUp',
  'hangWrites',
  'delayWrites',
  'deleteRecord',
  'writeRaw',
  'startOwner',
  'askForTls',
  'invalidConfigs',
]

/** A harness over one in-process store. `wrap` is applied to every driver. */
export const memoryHarness = (
  wrap: (factory: DriverFactory) => DriverFactory = (factory) => factory,
): ContractHarness => {
  const store = new MemoryStore()
  const faults = new MemoryFaults(store)
  const factories: DriverFactory[] = []
  const owners: Registry[] = []
  const within = (namespace: string): MemoryFaults => new MemoryFaults(store, { namespace })
  const heals = (...cuts: readonly AsyncDisposable[]): AsyncDisposable => ({
    [Symbol.asyncDispose]: async () => {
      for (const cut of cuts) await cut[Symbol.asyncDispose]()
    },
  })
  const linked = (namespace: string): DriverFactory => {
    const factory = memory({ store, namespace })
    factories.push(factory)
    return factory
  }
  const delayWrites = async (delayMs: number): Promise<AsyncDisposable> => {
    faults.delayWrites(delayMs)
    return { [Symbol.asyncDispose]: async () => faults.delayWrites(0) }
  }
  return {
    connect: (namespace) => wrap(linked(namespace)),
    connectSteady: linked,
    connectDirect: (namespace) => memory({ store, namespace }),
    server: {
      stop: async () => faults.stop(),
      start: async () => faults.start(),
      wipe: async () => faults.wipe(),
      pause: async () => faults.pause(),
      resume: async () => faults.resume(),
    },
    partition: async () => heals(...factories.map((factory) => faults.partition(factory))),
    slow: async (delayMs) => {
      faults.slow(delayMs)
      return { [Symbol.asyncDispose]: async () => faults.slow(0) }
    },
    expireSession: async (sessionId) => faults.expireSession(sessionId),
    loseHistory: async () => faults.loseHistory(),
    backUp: async () => {
      const backup = faults.backUp()
      return { restore: async () => backup.restore() }
    },
    // longer than any case runs
    hangWrites: () => delayWrites(30_000),
    delayWrites,
    deleteRecord: async (namespace, service, id) => within(namespace).deleteRecord(service, id),
    writeRaw: async (namespace, service, id, value) =>
      within(namespace).writeRaw(service, id, value),
    // there is no other process: an owner that is disconnected for ever looks dead to all others
    startOwner: async (namespace, instance, ttlMs) => {
      const factory = memory({ store, namespace })
      const owner = new Registry(factory, { ttlMs, closeTimeoutMs: 10 })
      owners.push(owner)
      await owner.register(instance)
      return {
        kill: async () => {
          faults.partition(factory)
        },
      }
    },
    askForTls: () => memory({ tls: {} } as object),
    invalidConfigs: [
      { field: 'namespace', make: () => memory({ namespace: 1 as unknown as string }) },
      { field: 'nam', make: () => memory({ nam: 'x' } as object) },
    ],
    [Symbol.asyncDispose]: async () => {
      faults.heal()
      await Promise.all(owners.map((owner) => owner.close()))
    },
  }
}
