import { fork } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { Remains } from './release-process.ts'

test('removed instances and closed clients leave no resources behind', async () => {
  const child = fork(new URL('./release-process.ts', import.meta.url), {
    execArgv: ['--conditions=@sd/source', '--no-warnings', '--expose-gc'],
  })
  const told: Remains[] = []
  child.on('message', (remains: Remains) => told.push(remains))
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
  const [first, second, closed] = told
  expect(told.map(({ sockets }) => sockets)).toEqual([0, 0, 0])
  expect(told.map(({ watches }) => watches)).toEqual([1, 1, 0])
  expect(second?.heapBytes).toBeLessThan((first?.heapBytes ?? 0) * 1.1)
  expect(closed?.heapBytes).toBeLessThan((first?.heapBytes ?? 0) * 1.1)
}, 120_000)
