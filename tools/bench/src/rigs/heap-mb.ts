import { setTimeout as sleep } from 'node:timers/promises'

/** Megabytes that stay after a garbage collection: of the heap, and of buffers outside it. */
export const keptMb = async (): Promise<{ readonly heap: number; readonly external: number }> => {
  // what finished calls hold is released in later turns of the event loop
  for (let turn = 0; turn < 3; turn += 1) {
    await sleep(200)
    globalThis.gc?.()
  }
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed / 1e6, external: external / 1e6 }
}
