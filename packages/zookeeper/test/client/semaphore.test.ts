import { describe, expect, test } from 'vitest'
import { Semaphore } from '../../src/client/semaphore.ts'

describe('Semaphore', () => {
  test('starts as many as it has permits, and the others in order as permits are released', () => {
    const semaphore = new Semaphore(2)
    const started: number[] = []
    for (let index = 0; index < 5; index++) semaphore.acquire(() => void started.push(index))
    expect(started).toEqual([0, 1])
    semaphore.release()
    expect(started).toEqual([0, 1, 2])
    semaphore.release()
    semaphore.release()
    expect(started).toEqual([0, 1, 2, 3, 4])
  })

  test('work that stops waiting is not started', () => {
    const semaphore = new Semaphore(1)
    const started: string[] = []
    semaphore.acquire(() => void started.push('first'))
    const giveUp = semaphore.acquire(() => void started.push('second'))
    semaphore.acquire(() => void started.push('third'))
    giveUp()
    semaphore.release()
    expect(started).toEqual(['first', 'third'])
  })

  test('a hundred thousand releases at the start of the work do not overflow the stack', () => {
    const semaphore = new Semaphore(1)
    let started = 0
    semaphore.acquire(() => {})
    for (let index = 0; index < 100_000; index++)
      semaphore.acquire(() => {
        started++
        semaphore.release()
      })
    semaphore.release()
    expect(started).toBe(100_000)
  })
})
