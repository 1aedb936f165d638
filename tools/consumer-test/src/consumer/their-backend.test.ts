import { describeRegistryContract } from '@sd/contract-tests'
import { MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { theirBackend } from './their-backend.ts'

describeRegistryContract(
  'theirs',
  ['server', 'expireSession', 'deleteRecord', 'writeRaw'],
  async () => {
    const store = new MemoryStore()
    const faults = new MemoryFaults(store)
    return {
      connect: (namespace) => theirBackend({ namespace, store }),
      server: {
        stop: async () => faults.stop(),
        start: async () => faults.start(),
        wipe: async () => faults.wipe(),
        pause: async () => faults.pause(),
        resume: async () => faults.resume(),
      },
      expireSession: async (sessionId) => faults.expireSession(sessionId),
      deleteRecord: async (namespace, service, id) =>
        new MemoryFaults(store, { namespace }).deleteRecord(service, id),
      writeRaw: async (namespace, service, id, value) =>
        new MemoryFaults(store, { namespace }).writeRaw(service, id, value),
      [Symbol.asyncDispose]: async () => faults.heal(),
    }
  },
  {
    ttlMs: 600,
    graceMs: 100,
    many: 100,
    only: ['R1', 'R2', 'R5', 'R6', 'R7', 'R9', 'R10', 'D1', 'D2', 'D3', 'W1', 'W2', 'capability'],
  },
)
