import { Registry } from '@sd/core'
import { eventually } from '@sd/contract-tests'
import { memory, MemoryStore } from '@sd/memory'
import { MemoryFaults } from '@sd/memory/faults'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const ttlMs = 400

let store: MemoryStore
const registries: Registry[] = []
const registry = (): Registry => {
  const made = new Registry(memory({ store }), { ttlMs, backoff: { minMs: 5, maxMs: 50 } })
  registries.push(made)
  return made
}
const instance = { service: 'orders', id: 'x', endpoints: ['http://10.0.0.1:8080'] }

beforeEach(() => {
  store = new MemoryStore()
})
afterEach(async () => {
  await Promise.all(registries.splice(0).map((each) => each.close()))
})

describe('an owner that was taken over, when the winner has left before it looked', () => {
  const takenOver = async () => {
    const [first, second] = [registry(), registry()]
    const loser = await first.register(instance)
    const winner = await second.register(instance)
    await winner.deregister()
    return { first, loser }
  }

  test('learns it from its audit, and does not come back', async () => {
    const { first, loser } = await takenOver()
    await eventually('it is superseded', ttlMs * 3, () => loser.status.state === 'superseded')
    expect(await first.list('orders')).toEqual([])
    await loser.deregister()
    expect(first.health().ok).toBe(true)
  })

  test('learns it from an update', async () => {
    const { first, loser } = await takenOver()
    await expect(loser.update({ weight: 1 })).rejects.toMatchObject({ code: 'conflict' })
    expect(loser.status.state).toBe('superseded')
    expect(await first.list('orders')).toEqual([])
  })

  test('may register again', async () => {
    const { first } = await takenOver()
    const again = await first.register(instance)
    expect(again.status.state).toBe('registered')
    expect(await first.list('orders')).toHaveLength(1)
    new MemoryFaults(store).deleteRecord('orders', 'x')
    await eventually(
      'a deletion is still undone',
      ttlMs * 3,
      async () => (await first.list('orders')).length === 1,
    )
    expect(again.status.state).toBe('registered')
  })
})
