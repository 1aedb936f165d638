import { describe, expect, test } from 'vitest'
import type { CallContext } from '../../src/driver/call-context.ts'
import { RegistrationTable } from '../../src/registration/registration-table.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'
import { desire } from './desired-test-bed.ts'

/** A table with an entry of which a write was acknowledged; every retry waits half of its bound. */
const createTable = () => {
  const clock = new ManualClock()
  const random = { next: () => 0.5, id: () => '' }
  const context = { clock, random, backoff: { minMs: 50, maxMs: 400 } } as unknown as CallContext
  const table = new RegistrationTable(context)
  const entry = table.add(desire({ clock }).desired)
  Object.assign(entry, { attempted: true, stood: true })
  return { clock, table, entry }
}

describe('a removed record', () => {
  test('is acknowledged when no session is left under which a create may still arrive', () => {
    const { table, entry } = createTable()
    entry.unknownIn.add('1').add('2')
    table.takeBack(entry)
    table.removed(entry)
    table.sessionClosed('1')
    expect([...table.all()]).toEqual([entry])
    table.sessionClosed('2')
    expect(table.size).toBe(0)
    // nothing of it is left, so that a later end of a session does not concern the id any more
    const again = table.add(desire().desired)
    table.sessionClosed('3')
    expect([...table.all()]).toEqual([again])
  })

  test('that is registered again stays when the session of the create is closed', () => {
    const { table, entry } = createTable()
    entry.unknownIn.add('1')
    table.takeBack(entry)
    table.removed(entry)
    const { desired } = desire()
    expect(table.add(desired)).toBe(entry)
    table.sessionClosed('1')
    expect(table.get('a', '1')?.desired).toBe(desired)
  })
})

describe('what has failed', () => {
  test('is due after a pause that grows, whatever else is', async () => {
    const { clock, table, entry } = createTable()
    expect(table.due(table.toWrite)).toEqual([entry])
    const pauses: number[] = []
    for (let failures = 0; failures < 4; failures += 1) {
      table.postpone([entry])
      expect(table.due(table.toWrite)).toEqual([])
      pauses.push(table.nextDueMs - clock.monotonicMs())
      await clock.advance(pauses.at(-1) ?? 0)
      expect(table.due(table.toWrite)).toEqual([entry])
    }
    expect(pauses).toEqual([25, 50, 100, 200])
    table.postpone([entry], failure('permission-denied'))
    expect(table.nextDueMs - clock.monotonicMs()).toBe(350)
  })

  test('is due at once in a new session, and when its id is registered again, without earlier failures', () => {
    const { table, entry } = createTable()
    table.postpone([entry])
    table.markAllDirty()
    expect(table.due(table.toWrite)).toEqual([entry])
    table.postpone([entry])
    table.add(desire().desired)
    expect(table.due(table.toWrite)).toEqual([entry])
    table.postpone([entry])
    expect(table.nextDueMs).toBe(25)
  })
})

test('only the registration that was taken over last is kept until it is deregistered', () => {
  const { clock, table, entry } = createTable()
  const [first, second] = [desire({ clock }).desired, desire({ clock }).desired]
  for (const desired of [first, second]) {
    desired.written(1)
    table.add(desired)
    table.release(entry)
    table.rememberSuperseded(desired)
  }
  table.forgetSuperseded(first)
  expect(table.superseded()).toEqual([second])
  table.forgetSuperseded(second)
  expect(table.superseded()).toEqual([])
})

test('a registration that was never written is not kept when it is taken over', () => {
  const { table } = createTable()
  table.rememberSuperseded(desire().desired)
  expect(table.superseded()).toEqual([])
})
