import { inParallel, type RegistryErrorCode } from '@sd/core/driver'
import { describe, expect, test } from 'vitest'
import { inBatches } from '../src/runtime/batches.ts'
import { failure } from './scripted-backend.ts'

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
    const second = new Error('the second')
    const work = inParallel([1, 2, 3, 4], 2, async (item) => {
      if (item === 2) throw second
      await turn()
      done.push(item)
    })
    await expect(work).rejects.toBe(second)
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

describe('inBatches', () => {
  /** Processes 1 to 4 in one batch of a backend that fails what has 3 in it. */
  const process = async (code: RegistryErrorCode, aborted = false) => {
    const stop = new AbortController()
    const tried: (readonly number[])[] = []
    const failed: (readonly number[])[] = []
    await inBatches([1, 2, 3, 4], {
      size: 4,
      parallel: 1,
      signal: stop.signal,
      subjectOf: ([first]) => ({ backend: 'b', operation: 'put', service: String(first) }),
      work: async (batch) => {
        tried.push(batch)
        if (aborted) stop.abort()
        if (batch.includes(3)) throw failure(code)
      },
      failed: (batch) => failed.push(batch),
    })
    return { tried, failed }
  }

  test('halves a refused batch until what is refused is alone', async () => {
    expect(await process('permission-denied')).toEqual({
      tried: [[1, 2, 3, 4], [1, 2], [3, 4], [3], [4]],
      failed: [[3]],
    })
  })

  test.each(['unavailable', 'timeout', 'session-lost', 'closed'] as const)(
    'does not halve what fails with %s, as each half would fail too',
    async (code) => {
      expect(await process(code)).toEqual({ tried: [[1, 2, 3, 4]], failed: [[1, 2, 3, 4]] })
    },
  )

  test('does not halve any more once its signal aborts', async () => {
    expect((await process('permission-denied', true)).tried).toEqual([[1, 2, 3, 4]])
  })
})
