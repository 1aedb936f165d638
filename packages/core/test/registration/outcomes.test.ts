import { describe, expect, test } from 'vitest'
import { highestClaimMs } from '../../src/registration/desired-registration.ts'
import { failure } from '../scripted-backend.ts'
import {
  capMs,
  createTestBed,
  instance,
  outcomeOf,
  type TestBed,
  ttlMs,
} from './supervisor-test-bed.ts'

/** How a promise was refused, as its message. */
const refusal = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
  } catch (error) {
    return (error as Error).message
  }
  return 'resolved'
}

const steady = (): TestBed =>
  createTestBed({ random: { next: () => 0.5, id: (length) => 'x'.repeat(length) } })

/** Every put fails or not, as the test says; the others pass. */
const failPuts = ({ backend }: TestBed, code: Parameters<typeof failure>[0]): void => {
  backend.before = ({ operation }) => {
    if (operation === 'put') throw failure(code, operation)
  }
}

const held = (claimedAtMs: number) => ({
  claim: { owner: 'other', claimedAtMs, seq: 0 },
  instance: { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} },
  mode: 'if-newer' as const,
  ttlMs,
  registeredAtMs: 0,
})

describe('a first write', () => {
  test('asks for an absent record with reject, and for an older claim otherwise', async () => {
    const { clock, backend, registry } = steady()
    const modes: string[] = []
    backend.answerPut = ({ instance: { id }, mode }) => {
      modes.push(`${id} ${mode}`)
      return undefined
    }
    const rejecting = registry.register(instance('a', 'reject'), { onConflict: 'reject' })
    void registry.register(instance('a', 'takeover'))
    void registry.register(instance('a', 'yield'), { onConflict: 'yield' })
    await clock.advance(1)
    expect(modes).toEqual(['reject if-absent', 'takeover if-newer', 'yield if-newer'])
    void (await rejecting).update({ weight: 1 })
    await clock.advance(1)
    expect(modes.at(-1)).toBe('reject if-newer')
  })

  test('that is refused for good rejects with the refusal', async () => {
    const bed = steady()
    failPuts(bed, 'permission-denied')
    const refused = refusal(bed.registry.register(instance('a', '1')))
    await bed.clock.advance(1)
    expect(await refused).toBe('[permission-denied] put: scripted permission-denied')
    expect(bed.registry.health()).toMatchObject({ registrations: [], session: { state: 'live' } })
    await bed.clock.advance(2 * ttlMs)
    expect(bed.backend.count('put')).toBe(1)
    expect(bed.backend.count('audit')).toBe(0)
  })

  test('that fails for a while is repeated, and its status has the cause', async () => {
    const bed = steady()
    const { clock, backend, registry } = bed
    failPuts(bed, 'unavailable')
    const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
    await clock.advance(capMs)
    const registration = await registering
    expect(registration.status).toMatchObject({
      state: 'registering',
      cause: { code: 'unavailable' },
    })
    const puts = backend.count('put')
    expect(puts).toBeGreaterThan(2)
    backend.before = () => {}
    await clock.advance(capMs)
    expect(registration.status.state).toBe('registered')
    expect(registration.status.cause).toBeUndefined()
    expect(backend.count('put')).toBe(puts + 1)
  })

  test('without an outcome from the driver counts as failed', async () => {
    const { clock, backend, registry } = steady()
    const registering = registry.register(instance('a', '1'), { waitFor: 'accepted' })
    backend.answersPuts = false
    await clock.advance(10)
    expect((await registering).status).toMatchObject({
      state: 'registering',
      cause: {
        code: 'internal',
        backend: 'scripted',
        operation: 'put',
        message:
          '[internal] put: the driver returned fewer outcomes than requests, which is a defect of the driver',
      },
    })
    backend.answersPuts = true
    await clock.advance(capMs)
    expect((await registering).status.state).toBe('registered')
  })

  test('is sent in batches of the driver’s size', async () => {
    const { clock, backend, another } = steady()
    backend.maxBatch = 2
    const registry = another()
    for (let index = 0; index < 5; index += 1) void registry.register(instance('a', String(index)))
    await clock.advance(1)
    const sizes = backend.calls.flatMap(({ operation, keys }) =>
      operation === 'put' ? [keys.length] : [],
    )
    expect(sizes).toEqual([2, 2, 1])
  })
})

describe('a conflict', () => {
  test('with reject names the holder and what to do', async () => {
    const { clock, backend, registry } = steady()
    backend.write(held(5))
    const refused = refusal(registry.register(instance('a', '1'), { onConflict: 'reject' }))
    await clock.advance(1)
    expect(await refused).toBe(
      `[conflict] register a: id "1" is held by another registration (owner other); deregister it first, choose another id, or register with onConflict: 'takeover'`,
    )
    expect(registry.health().registrations).toEqual([])
    expect(backend.holderOf('a', '1')?.owner).toBe('other')
  })

  test('with a claim from the future is won by a higher one', async () => {
    const { clock, backend, registry } = steady()
    backend.write(held(9_000_000))
    const registered = outcomeOf(registry.register(instance('a', '1')))
    await clock.advance(1)
    expect(registered.ending).toBe('resolved')
    expect(backend.holderOf('a', '1')).toMatchObject({ claimedAtMs: 9_000_001 })
    expect(backend.count('put')).toBe(2)
  })

  test('with the highest claim is refused, with what to do', async () => {
    const { clock, backend, registry } = steady()
    backend.write(held(highestClaimMs))
    const refused = refusal(registry.register(instance('a', '1')))
    await clock.advance(1)
    expect(await refused).toBe(
      '[conflict] register a: id "1" is held by a record whose claim is the highest possible (owner other), so it cannot be taken over; remove that record from the backend',
    )
  })

  test('in the own process is refused at once, unless it takes over', async () => {
    const { clock, backend, registry } = steady()
    const first = registry.register(instance('a', '1'))
    await clock.advance(1)
    const one = await first
    const calls = backend.calls.length
    for (const onConflict of ['reject', 'yield'] as const)
      expect(await refusal(registry.register(instance('a', '1'), { onConflict }))).toContain(
        '[conflict]',
      )
    expect(backend.calls).toHaveLength(calls)
    const second = registry.register({ ...instance('a', '1'), weight: 9 })
    await clock.advance(1)
    expect((await second).status.state).toBe('registered')
    expect(one.status).toMatchObject({ state: 'superseded', cause: { code: 'conflict' } })
    expect(backend.records.get('a/1')?.instance.weight).toBe(9)
    const { claimedAtMs } = backend.holderOf('a', '1') ?? { claimedAtMs: 0 }
    expect(claimedAtMs).toBeGreaterThan(1_000_000)
    expect(await refusal(one.update({ weight: 1 }))).toContain('[conflict] register a')
    await one.deregister()
    await clock.advance(1)
    expect(backend.records.size).toBe(1)
  })
})

describe('a registered instance', () => {
  const registered = async (bed: TestBed, id = '1') => {
    const registering = bed.registry.register(instance('a', id))
    await bed.clock.advance(1)
    return registering
  }

  test('is written again within a ttl and one audit when its record is gone', async () => {
    const bed = steady()
    const one = await registered(bed)
    bed.backend.records.delete('a/1')
    await bed.clock.advance(801)
    expect(bed.backend.count('audit')).toBe(1)
    expect(bed.backend.records.has('a/1')).toBe(true)
    expect(one.status.state).toBe('registered')
  })

  test('adopts the weight, health, tags and metadata of an edit, and nothing else', async () => {
    const bed = steady()
    const one = await registered(bed)
    const stored = bed.backend.records.get('a/1')
    if (stored === undefined) throw new Error('not stored')
    const edited = { weight: 3, health: 'draining', tags: ['t'], metadata: { k: 'v' } }
    bed.backend.records.set('a/1', {
      ...stored,
      instance: { ...stored.instance, ...edited, endpoints: ['http://evil:1'] },
      claim: { ...stored.claim, seq: 5 },
    })
    await bed.clock.advance(ttlMs)
    expect(one.instance).toMatchObject({ ...edited, endpoints: ['http://10.0.0.1:8080'] })
    expect(bed.backend.records.get('a/1')).toMatchObject({
      instance: one.instance,
      claim: { seq: 5 },
    })
    expect(one.status.state).toBe('registered')
    const updating = one.update({ weight: 4 })
    await bed.clock.advance(1)
    await updating
    expect(bed.backend.records.get('a/1')?.claim.seq).toBe(6)
  })

  test.each([
    ['an older edit', { seq: 0 }],
    ['an edit of an earlier registration', { seq: 5, claimedAtMs: 7 }],
  ])('overwrites %s', async (_, claim) => {
    const bed = steady()
    const one = await registered(bed)
    const stored = bed.backend.records.get('a/1')
    if (stored === undefined) throw new Error('not stored')
    bed.backend.records.set('a/1', {
      ...stored,
      instance: { ...stored.instance, weight: 3 },
      claim: { ...stored.claim, ...claim },
    })
    await bed.clock.advance(ttlMs)
    expect(one.instance.weight).toBe(100)
    expect(bed.backend.records.get('a/1')?.instance.weight).toBe(100)
  })

  test('overwrites a lower claim, and is superseded by a higher one', async () => {
    const bed = steady()
    const one = await registered(bed)
    bed.backend.write(held(5))
    await bed.clock.advance(ttlMs)
    expect(bed.backend.holderOf('a', '1')?.owner).not.toBe('other')
    expect(one.status.state).toBe('registered')
    bed.backend.write(held(9e9))
    await bed.clock.advance(ttlMs)
    expect(one.status.state).toBe('superseded')
    expect(bed.backend.holderOf('a', '1')?.owner).toBe('other')
    expect(bed.registry.health()).toMatchObject({
      ok: false,
      registrations: [{ id: '1', status: { state: 'superseded' } }],
    })
    await one.deregister()
    expect(bed.registry.health()).toMatchObject({ ok: true, registrations: [] })
    expect(bed.backend.holderOf('a', '1')?.owner).toBe('other')
  })

  test('whose update is refused keeps its last state, is recovering, and is retried near the cap', async () => {
    const bed = steady()
    const one = await registered(bed)
    failPuts(bed, 'permission-denied')
    const updated = outcomeOf(one.update({ weight: 3 }))
    await bed.clock.advance(1)
    expect(one.status).toMatchObject({ state: 'recovering', cause: { code: 'permission-denied' } })
    expect(updated.ending).toBe('pending')
    const puts = bed.backend.count('put')
    await bed.clock.advance(0.7 * capMs)
    expect(bed.backend.count('put')).toBe(puts)
    bed.backend.before = () => {}
    await bed.clock.advance(0.4 * capMs)
    expect(updated.ending).toBe('resolved')
  })

  test('loses its session by a put that says so, and is written in the next', async () => {
    const bed = steady()
    const one = await registered(bed)
    let lost = 0
    bed.backend.before = ({ operation }) => {
      if (operation !== 'put' || lost > 0) return
      lost += 1
      throw failure('session-lost', operation)
    }
    const updated = outcomeOf(one.update({ weight: 3 }))
    await bed.clock.advance(capMs)
    expect(updated.ending).toBe('resolved')
    expect(bed.backend.records.get('a/1')?.session).toBe('session-2')
    await bed.clock.advance(3 * ttlMs)
    expect([...bed.backend.sessions]).toEqual(['session-2'])
  })

  test('loses its session by a removal or an audit that says so', async () => {
    for (const operation of ['remove', 'audit']) {
      const bed = steady()
      await registered(bed)
      const two = await registered(bed, '2')
      let lost = 0
      bed.backend.before = (call) => {
        if (call.operation !== operation || lost > 0) return
        lost += 1
        throw failure('session-lost', operation)
      }
      const gone = outcomeOf(two.deregister())
      await bed.clock.advance(ttlMs + capMs)
      expect(gone.ending, operation).toBe('resolved')
      expect(bed.backend.records.get('a/1')?.session, operation).toBe('session-2')
    }
  })

  test('that is deregistered is gone when the promise resolves, and its wait can be left', async () => {
    const bed = steady()
    const one = await registered(bed)
    bed.backend.before = ({ operation }) => {
      if (operation === 'remove') throw failure('unavailable', operation)
    }
    const aborter = new AbortController()
    const left = refusal(one.deregister({ signal: aborter.signal }))
    const waited = outcomeOf(one.deregister())
    await bed.clock.advance(10)
    expect(one.status.state).toBe('registered')
    aborter.abort(new Error('enough'))
    expect(await left).toBe('enough')
    expect(waited.ending).toBe('pending')
    expect(await refusal(one.update({ weight: 1 }))).toBe(
      '[closed] register a: the registration of id "1" is closed; register again',
    )
    bed.backend.before = () => {}
    await bed.clock.advance(capMs)
    expect(waited.ending).toBe('resolved')
    expect(one.status.state).toBe('closed')
    expect(bed.backend.records.size).toBe(0)
    await one.deregister()
    expect(bed.backend.count('audit')).toBe(0)
  })

  test('rejects a pending update with closed when it is deregistered', async () => {
    const bed = steady()
    const one = await registered(bed)
    failPuts(bed, 'unavailable')
    const updating = refusal(one.update({ weight: 1 }))
    await bed.clock.advance(1)
    void one.deregister()
    expect(await updating).toContain('[closed] register a: the registration of id "1" is closed')
  })

  test('leaves an update’s wait with its signal; the update stays', async () => {
    const bed = steady()
    const one = await registered(bed)
    failPuts(bed, 'unavailable')
    const aborter = new AbortController()
    const updating = refusal(one.update({ weight: 7 }, { signal: aborter.signal }))
    await bed.clock.advance(1)
    aborter.abort(new Error('enough'))
    expect(await updating).toBe('enough')
    expect(await refusal(one.update({ weight: 8 }, { signal: aborter.signal }))).toBe('enough')
    bed.backend.before = () => {}
    await bed.clock.advance(capMs)
    expect(bed.backend.records.get('a/1')?.instance.weight).toBe(7)
  })
})

describe('close', () => {
  test('removes the records one by one where the session may not be ended', async () => {
    const bed = steady()
    void bed.registry.register(instance('a', '1'))
    void bed.registry.register(instance('secret', '1'))
    await bed.clock.advance(1)
    bed.backend.before = ({ operation, keys }) => {
      if (operation === 'close-session' || keys.includes('secret/1'))
        throw failure('permission-denied', operation)
    }
    const closing = outcomeOf(bed.registry.close())
    await bed.clock.advance(1)
    expect(closing.ending).toBe('resolved')
    expect([...bed.backend.records.keys()]).toEqual(['secret/1'])
  })

  test('ends pending registrations with closed, and stops everything', async () => {
    const bed = steady()
    failPuts(bed, 'unavailable')
    const registering = outcomeOf(bed.registry.register(instance('a', '1')))
    await bed.clock.advance(10)
    const closing = outcomeOf(bed.registry.close())
    await bed.clock.advance(1)
    expect([registering.ending, closing.ending]).toEqual(['closed', 'resolved'])
    expect(bed.clock.pending).toBe(0)
    expect(bed.backend.sessions.size).toBe(0)
    const calls = bed.backend.calls.length
    await bed.clock.advance(5 * ttlMs)
    expect(bed.backend.calls).toHaveLength(calls)
  })

  test('is bounded when nothing answers, and tells a pending deregister', async () => {
    const bed = steady()
    const registering = bed.registry.register(instance('a', '1'))
    await bed.clock.advance(1)
    bed.backend.before = () => new Promise<void>(() => {})
    const gone = refusal((await registering).deregister())
    const closing = outcomeOf(bed.registry.close())
    await bed.clock.advance(499)
    expect(closing.ending).toBe('pending')
    await bed.clock.advance(1)
    expect(closing.ending).toBe('resolved')
    expect(await gone).toBe(
      '[unavailable] deregister: the registry was closed before the backend acknowledged the removal; the record expires after its ttl',
    )
    expect(bed.clock.pending).toBe(0)
  })
})

test('a session that opens after its caller gave up is closed', async () => {
  const bed = steady()
  let answer = (): void => {}
  bed.backend.before = ({ operation }) =>
    operation === 'open-session' && bed.backend.count('open-session') === 1
      ? new Promise<void>((resolve) => {
          answer = resolve
        })
      : undefined
  void bed.registry.register(instance('a', '1'))
  await bed.clock.advance(310)
  answer()
  await bed.clock.advance(capMs)
  expect([...bed.backend.sessions]).toEqual(['session-2'])
  expect(bed.backend.records.get('a/1')?.session).toBe('session-2')
})
