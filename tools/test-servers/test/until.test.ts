import { expect, test } from 'vitest'
import { until } from '../src/until.ts'

test('asks until the condition holds, and takes an error for not yet', async () => {
  let asked = 0
  await until('the third time', () => {
    if (++asked < 3) throw new Error('not yet')
    return true
  })
  expect(asked).toBe(3)
})

test('says what it waited for, and how it last failed', async () => {
  const cause = new Error('no')
  const waiting = until('a miracle', () => Promise.reject(cause), 30)
  await expect(waiting).rejects.toThrow('not within 30 ms: a miracle')
  await expect(waiting).rejects.toMatchObject({ cause })
})
