import { inParallel } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('inParallel', () => {
  test('returns the results in the order of the items, whichever ends first', async () => {
    const doubled = await inParallel(new Set([3, 1, 2]), 2, async (item) => {
      for (let left = item; left > 0; left--) await turn()
      return item * 2
    })
    expect(doubled).toEqual([6, 2, 4])
    expect(await inParallel([], 2, turn)).toEqual([])
  })

  test('runs no more items at a time than the limit', async () => {
    let running = 0
    let most = 0
    await inParallel(Array.from({ length: 10 }), 3, async () => {
      most = Math.max(most, ++running)
      await turn()
      running--
    })
    expect(most).toBe(3)
  })

  test('processes the other items after a failure, and throws it once all have ended', async () => {
    const done: number[] = []
    const failure = new Error('the second')
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      if (item === 2) throw failure
      await turn()
      done.push(item)
    })
    await expect(work).rejects.toBe(failure)
    expect(done).toEqual([1, 3, 4])
  })

  test('starts no further item after as many failures as the limit', async () => {
    let begun = 0
    const work = inParallel(Array.from({ length: 100 }), 4, async () => {
      begun++
      throw new Error('down')
    })
    await expect(work).rejects.toThrow('down')
    expect(begun).toBe(4)
  })
})
