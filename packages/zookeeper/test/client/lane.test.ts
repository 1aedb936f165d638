import { describe, expect, test } from 'vitest'
import { Lane } from '../../src/client/guards/lane.ts'

describe('Lane', () => {
  test('starts so many, and the others in order as those leave', () => {
    const lane = new Lane(2)
    const started: number[] = []
    for (let index = 0; index < 5; index++) lane.enter(() => void started.push(index))
    expect(started).toEqual([0, 1])
    lane.leave()
    expect(started).toEqual([0, 1, 2])
    lane.leave()
    lane.leave()
    expect(started).toEqual([0, 1, 2, 3, 4])
  })

  test('who gives up waiting is not started', () => {
    const lane = new Lane(1)
    const started: string[] = []
    lane.enter(() => void started.push('first'))
    const giveUp = lane.enter(() => void started.push('second'))
    lane.enter(() => void started.push('third'))
    giveUp()
    lane.leave()
    expect(started).toEqual(['first', 'third'])
  })

  test('a hundred thousand that leave as soon as they start need no stack', () => {
    const lane = new Lane(1)
    let started = 0
    lane.enter(() => {})
    for (let index = 0; index < 100_000; index++)
      lane.enter(() => {
        started++
        lane.leave()
      })
    lane.leave()
    expect(started).toBe(100_000)
  })
})
