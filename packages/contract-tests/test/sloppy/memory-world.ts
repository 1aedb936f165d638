import type { ContractHarness } from '@sd/contract-tests'
import {
  createDriverContext,
  type DriverFactory,
  jsonFormat,
  type PutRequest,
} from '@sd/core/driver'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'

/** A store with its faults, and functions that change it directly, without a driver. */
export class MemoryWorld {
  readonly store: MemoryStore = new MemoryStore()
  readonly faults: MemoryFaults = new MemoryFaults(this.store)

  /** The correct driver. */
  correct(namespace: string): DriverFactory {
    return memory({ store: this.store, namespace })
  }

  /** Writes a record unconditionally, tied to that session. */
  write(namespace: string, request: PutRequest, sessionId: string | undefined): void {
    const key = jsonFormat.key(request.instance, '')
    this.store.commit(namespace, [{ key, value: jsonFormat.encode(request), sessionId }])
  }

  /** Deletes a record, whatever its owner. */
  delete(namespace: string, place: { readonly service: string; readonly id: string }): void {
    const key = jsonFormat.key(place, '')
    if (this.store.get(namespace, key) !== undefined)
      this.store.commit(namespace, [{ key, value: undefined }])
  }

  /** The session that a record is tied to. */
  sessionOf(namespace: string, place: { readonly service: string; readonly id: string }): string {
    return this.store.get(namespace, jsonFormat.key(place, ''))?.sessionId ?? ''
  }

  /**
   * A harness whose `connect` makes the driver under test; the test's own reads use the correct
   * one.
   */
  harness(connect: (namespace: string) => DriverFactory): ContractHarness {
    const { faults, store } = this
    const within = (namespace: string): MemoryFaults => new MemoryFaults(store, { namespace })
    return {
      connect,
      connectDirect: (namespace) => this.correct(namespace),
      server: {
        stop: async () => faults.stop(),
        start: async () => faults.start(),
        wipe: async () => faults.wipe(),
        pause: async () => faults.pause(),
        resume: async () => faults.resume(),
      },
      delayWrites: async (delayMs) => {
        faults.delayWrites(delayMs)
        return { [Symbol.asyncDispose]: async () => faults.delayWrites(0) }
      },
      expireSession: async (sessionId) => faults.expireSession(sessionId),
      loseHistory: async () => faults.loseHistory(),
      backUp: async () => {
        const backup = faults.backUp()
        return { restore: async () => backup.restore() }
      },
      deleteRecord: async (namespace, service, id) => within(namespace).deleteRecord(service, id),
      writeRaw: async (namespace, service, id, value) =>
        within(namespace).writeRaw(service, id, value),
      [Symbol.asyncDispose]: async () => faults.heal(),
    }
  }
}

/** A context like the one that a registry gives its driver. */
export const context = createDriverContext()
