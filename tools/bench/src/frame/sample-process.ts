import { once } from 'node:events'
import type { Benchmark } from './benchmark.ts'
import type { SampleMessage, SampleTask } from './sample-messages.ts'

// Runs one side of a benchmark once, and ends.

const tell = (message: SampleMessage): Promise<void> =>
  new Promise((resolve) => process.send?.(message, () => resolve()))

const run = async ({ benchmark, side, world }: SampleTask): Promise<SampleMessage> => {
  const url = new URL(`../benchmarks/${benchmark}.ts`, import.meta.url).href
  const { benchmark: declared } = (await import(url)) as { readonly benchmark: Benchmark }
  const whole = {
    ...world,
    fault: async (fault: 'stop' | 'start' | 'kill' | 'wipe') => {
      const done = once(process, 'message')
      await tell({ fault })
      await done
    },
  }
  if (side === undefined) {
    await declared.prepare?.(whole)
    return { values: {} }
  }
  const chosen = declared.sides[side]
  if (chosen === undefined) throw new Error(`${benchmark} has no side '${side}'`)
  return { values: await chosen.run(whole) }
}

// the parent was stopped: what the side holds open would keep this process alive
process.once('disconnect', () => process.exit())
const [task] = (await once(process, 'message')) as [SampleTask]
await tell(
  await run(task).catch((error: unknown) => ({
    failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })),
)
process.exit() // with whatever is still open
