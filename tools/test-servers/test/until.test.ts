import { expect, test } from 'vitest'
import { until } from '../src/until.ts'

test('polls until the condition holds, and treats an error as not yet', async () => {
  let asked = 0
  await until('the third time', () => {
    if (++asked < 3) throw new Error('not yet')
    return true
  })
  expect(asked).toBe(3)
})

test('reports what it waited for, and the last failure', async () => {
  const cause = new Error('no')
  const waiting = until('a miracle', () => Promise.reject(cause), 30)
  await expect(waiting).rejects.toThrow('not within 30 ms: a miracle')
  await expect(waiting).rejects.toMatchObject({ cause })
})
