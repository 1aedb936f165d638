import type { Registry } from '@sd/core'
import { eventually } from './eventually.ts'

/**
 * Waits until `registry` lists exactly these ids of `service` (`orders` by default), and returns
 * the elapsed milliseconds; throws past the deadline.
 */
export const lists = async (
  registry: Registry,
  wanted: readonly string[],
  deadlineMs: number,
  service = 'orders',
): Promise<number> => {
  const expected = wanted.toSorted().join()
  const began = performance.now()
  let seen: string[] = []
  await eventually(
    `${service} lists ${wanted.slice(0, 20).join()}`,
    deadlineMs,
    async () => {
      seen = (await registry.list(service)).map(({ id }) => id).toSorted()
      return seen.join() === expected
    },
    () => seen.slice(0, 20),
  )
  return performance.now() - began
}
