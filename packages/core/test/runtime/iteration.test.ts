import { describe, expect, test } from 'vitest'
import { Iteration } from '../../src/runtime/iteration.ts'

/** An iteration over 1, 2, 3 and so on, with how often it was left. */
const counting = () => {
  const bed = { left: 0, value: 0, iteration: undefined as unknown as Iteration<number> }
  bed.iteration = new Iteration({
    ask: (waiter) => waiter.resolve((bed.value += 1)),
    leave: () => {
      bed.left += 1
    },
  })
  return bed
}

const done = { done: true, value: undefined }

describe('an iteration', () => {
  test('is left once, whatever ends it first', async () => {
    const bed = counting()
    expect(await bed.iteration.next()).toEqual({ done: false, value: 1 })
    expect(await bed.iteration.return()).toEqual(done)
    expect(await bed.iteration.return()).toEqual(done)
    expect(await bed.iteration.next()).toEqual(done)
    expect([bed.left, bed.value]).toEqual([1, 1])
  })

  test('that something is thrown into is left, and rejects with it', async () => {
    const bed = counting()
    const why = new Error('why')
    await expect(bed.iteration.throw(why)).rejects.toBe(why)
    expect(bed.left).toBe(1)
    expect(await bed.iteration.next()).toEqual(done)
  })

  test('that its source ends is left', async () => {
    let left = 0
    const leave = (): void => void (left += 1)
    const ended = new Iteration({ ask: (waiter) => waiter.resolve(undefined), leave })
    expect(await ended.next()).toEqual(done)
    expect(left).toBe(1)
    const failed = new Iteration({ ask: (waiter) => waiter.reject(new Error('why')), leave })
    await expect(failed.next()).rejects.toThrow('why')
    expect(left).toBe(2)
    expect(await failed.next()).toEqual(done)
  })

  test('delivers neither a value nor a failure that arrives after it was left', async () => {
    for (const fails of [false, true]) {
      let settle: (() => void) | undefined
      const iteration = new Iteration<number>({
        ask: (waiter) => {
          settle = () => (fails ? waiter.reject(new Error('late')) : waiter.resolve(1))
        },
        leave: () => {},
      })
      const pending = iteration.next()
      await iteration.return()
      settle?.()
      expect(await pending).toEqual(done)
    }
  })

  test('is left by await using, and by breaking out of a loop', async () => {
    const bed = counting()
    {
      await using used = bed.iteration
      await used.next()
    }
    expect(bed.left).toBe(1)
    const looped = counting()
    for await (const value of looped.iteration) if (value === 2) break
    expect([looped.left, looped.value]).toEqual([1, 2])
  })
})
