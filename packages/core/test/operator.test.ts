import { describe, expect, test } from 'vitest'
import { type InstanceRecord, Registry, type RegistryOptions } from '@sd/core'
import { type RegistryDriver, RegistryError, toRecordKey } from '@sd/core/driver'
import { ManualClock } from './manual-clock.ts'
import { failure, ScriptedBackend } from './scripted-backend.ts'

const record: InstanceRecord = {
  key: toRecordKey('orders/1'),
  instance: {
    service: 'orders',
    id: '1',
    endpoints: ['http://a:1'],
    weight: 100,
    health: 'passing',
    tags: ['x'],
    metadata: {},
  },
  claim: { owner: 'other', claimedAtMs: 5, seq: 2 },
  ttlMs: 1_000,
  registeredAtMs: 5,
}
const lower: InstanceRecord = {
  ...record,
  key: toRecordKey('orders/1b'),
  instance: { ...record.instance, weight: 1 },
  claim: { owner: 'before', claimedAtMs: 4, seq: 9 },
}
const { claim: _claim, ...unclaimed } = record

interface Bed {
  readonly clock: ManualClock
  readonly backend: ScriptedBackend
  readonly registry: Registry
}

const createBed = (driver: Partial<RegistryDriver> = {}, options: RegistryOptions = {}): Bed => {
  const clock = new ManualClock()
  const backend = new ScriptedBackend(clock)
  const whole = { ...backend.driver(), ...driver }
  return {
    clock,
    backend,
    registry: new Registry(whole, {
      clock,
      ttlMs: 1_000,
      callTimeoutMs: 300,
      backoff: { minMs: 20, maxMs: 50 },
      ...options,
    }),
  }
}

const listing = (...records: readonly InstanceRecord[]): Pick<RegistryDriver, 'list'> => ({
  list: async () => ({ records, skipped: [] }),
})

/** The refusal of a call, as `backend code message`. */
const refusal = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
  } catch (error) {
    if (error instanceof RegistryError) return `${error.backend} ${error.message}`
    return String(error)
  }
  return 'resolved'
}

describe('records', () => {
  test('returns every record, and of each id the one that is served', async () => {
    const other = {
      ...record,
      key: toRecordKey('b/2'),
      instance: { ...record.instance, service: 'b', id: '2' },
    }
    const skipped = [{ key: toRecordKey('orders/x'), reason: 'no JSON' }]
    const scopes: unknown[] = []
    const { registry } = createBed({
      list: async (scope) => {
        scopes.push(scope)
        return { records: [lower, record, other], skipped }
      },
    })
    expect(await registry.records()).toEqual({
      records: [lower, record, other],
      served: [record, other],
      skipped,
    })
    await registry.records('orders')
    expect(scopes).toEqual([{ all: true }, { service: 'orders' }])
    expect(await registry.list('orders')).toEqual([record.instance, other.instance])
  })

  test('refuses an invalid name before any I/O', async () => {
    const { registry, backend } = createBed()
    expect(await refusal(registry.records(''))).toContain('[invalid-argument] records')
    expect(backend.calls).toEqual([])
  })

  test('tells of what cannot be read', async () => {
    const lines: object[] = []
    const warn = (details: object, message: string): void =>
      void lines.push({ ...details, message })
    const quiet = (): void => {}
    const logger = { debug: quiet, info: quiet, warn, error: quiet }
    const skipped = [{ key: toRecordKey('orders/x'), reason: 'no JSON' }]
    const { registry } = createBed({ list: async () => ({ records: [], skipped }) }, { logger })
    await registry.list('orders')
    expect(lines).toEqual([
      {
        backend: 'scripted',
        event: 'record-skipped',
        key: 'orders/x',
        reason: 'no JSON',
        message: 'record orders/x is skipped: no JSON',
      },
    ])
  })
})

describe('a read', () => {
  test('is repeated while it fails, and rejects with the last failure', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => {
      throw failure('unavailable', 'list')
    }
    const listed = refusal(registry.list('orders'))
    await clock.advance(299)
    expect(backend.count('list')).toBeGreaterThan(3)
    await clock.advance(2)
    expect(await listed).toBe('scripted [unavailable] list: scripted unavailable')
  })

  test('is repeated after half of its time, as another member may answer', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => (backend.calls.length === 1 ? new Promise<void>(() => {}) : undefined)
    const listed = refusal(registry.list('orders'))
    await clock.advance(149)
    expect(backend.count('list')).toBe(1)
    await clock.advance(60)
    expect(backend.count('list')).toBe(2)
    expect(await listed).toBe('resolved')
  })

  test('times out, naming the call, when nothing ever answers', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => new Promise<void>(() => {})
    const listed = refusal(registry.list('orders'))
    await clock.advance(300)
    expect(await listed).toBe(
      'scripted [timeout] list orders: no answer within 150 ms; the backend is unreachable, frozen or slow',
    )
  })

  test('times out with what the driver knows of its servers', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => new Promise<void>(() => {})
    backend.lastSeen = 'h1:2379 is silent'
    const listed = refusal(registry.list('orders'))
    await clock.advance(300)
    expect(await listed).toBe(
      'scripted [timeout] list orders: not done within 150 ms; h1:2379 is silent',
    )
  })

  test('is not repeated after a permanent failure', async () => {
    const { registry, backend } = createBed()
    backend.before = () => {
      throw failure('permission-denied', 'list')
    }
    expect(await refusal(registry.list('orders'))).toContain('[permission-denied]')
    expect(backend.count('list')).toBe(1)
  })

  test('goes on while it makes progress', async () => {
    const { registry, backend, clock } = createBed()
    backend.reading = async (_signal, progress) => {
      for (let part = 0; part < 6; part += 1) {
        await new Promise<void>((resolve) => {
          clock.setTimer(100, resolve)
        })
        progress()
      }
    }
    const listed = refusal(registry.list('orders'))
    await clock.advance(601)
    expect(await listed).toBe('resolved')
    expect(backend.count('list')).toBe(1)
  })

  test('rejects with the reason of its signal, before and during the call', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => new Promise<void>(() => {})
    const aborted = AbortSignal.abort('not wanted')
    for (const call of [
      registry.list('a', { signal: aborted }),
      registry.listServices({ signal: aborted }),
      registry.records('a', { signal: aborted }),
      registry.removeRecord(record, { signal: aborted }),
    ])
      expect(await refusal(call)).toBe('not wanted')
    expect(backend.calls).toEqual([])
    const aborter = new AbortController()
    const listed = refusal(registry.list('a', { signal: aborter.signal }))
    await clock.advance(10)
    aborter.abort('enough')
    expect(await listed).toBe('enough')
    expect(clock.pending).toBe(0)
  })

  test('that its caller ends has its reason, also after failures, and is no outage', async () => {
    for (const fails of [true, false]) {
      const { registry, backend, clock } = createBed()
      backend.before = () => {
        if (fails) throw failure('unavailable')
        return new Promise<void>(() => {})
      }
      const aborter = new AbortController()
      const listed = refusal(registry.list('a', { signal: aborter.signal }))
      await clock.advance(100)
      expect(registry.health().state).toBe(fails ? 'unreachable' : 'unknown')
      aborter.abort(new Error('enough'))
      expect(await listed).toBe('Error: enough')
      expect(registry.health().state).toBe(fails ? 'unreachable' : 'unknown')
      expect(clock.pending).toBe(0)
    }
  })

  test('that failed rejects with closed when the registry is closed meanwhile', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = () => {
      throw failure('unavailable')
    }
    const listed = refusal(registry.list('a'))
    await clock.advance(100)
    await registry.close()
    expect(await listed).toBe('scripted [closed] close: the registry was closed')
  })

  test('names the service that is read', async () => {
    const scopes: unknown[] = []
    const { registry } = createBed({
      list: async (scope) => {
        scopes.push(scope)
        return { records: [record], skipped: [] }
      },
      edit: async () => 'edited',
    })
    await registry.ping()
    await registry.ping({ service: 'mine' })
    await registry.edit('orders', '1', { weight: 1 })
    expect(scopes).toEqual([{ service: 'sd-ping' }, { service: 'mine' }, { service: 'orders' }])
    expect(await refusal(registry.ping({ service: '' }))).toContain('[invalid-argument] ping')
    expect(() => registry.watch('')).toThrow('[invalid-argument] watch')
    expect(scopes).toHaveLength(3)
  })

  test('rejects with closed once the registry is closed', async () => {
    const { registry, backend } = createBed()
    backend.before = () => new Promise<void>(() => {})
    const listed = refusal(registry.list('a'))
    await registry.close()
    expect(await listed).toBe('scripted [closed] close: the registry was closed')
    for (const [operation, call] of [
      ['list', () => registry.list('a')],
      ['list-services', () => registry.listServices()],
      ['records', () => registry.records()],
      ['remove-record', () => registry.removeRecord(record)],
      ['register', () => registry.register({ service: 'a', endpoints: ['http://h:1'] })],
      ['watch', async () => registry.watch('a')],
      ['watch', async () => registry.watchAll()],
      ['watch', async () => registry.watchServices()],
    ] as const)
      expect(await refusal(call())).toMatch(
        new RegExp(
          String.raw`^scripted \[closed\] ${operation}( \w+)?: the registry was closed; create a new one$`,
        ),
      )
  })
})

test('listServices sorts the names, each once; a driver may know none', async () => {
  const { registry } = createBed({
    list: async (scope) =>
      'services' in scope
        ? { records: [], skipped: [], services: ['b', 'a', 'b'] }
        : { records: [], skipped: [] },
  })
  expect(await registry.listServices()).toEqual(['a', 'b'])
  expect(await createBed(listing()).registry.listServices()).toEqual([])
})

describe('edit', () => {
  test('writes the fields over the served record, in its owner’s name', async () => {
    const edits: unknown[] = []
    const { registry } = createBed({
      ...listing(lower, { ...record, instance: { ...record.instance, id: '2' } }, record),
      edit: async (...given) => {
        edits.push(given.slice(0, 2))
        expect(Object.isFrozen(given[1])).toBe(true)
        return 'edited'
      },
    })
    expect(await registry.edit('orders', '1', { weight: 0 })).toBe('edited')
    expect(edits).toEqual([[record, { ...record.instance, weight: 0 }]])
  })

  test('that depends on the instance is made of what is stored', async () => {
    const edits: unknown[] = []
    const { registry } = createBed({
      ...listing(record),
      edit: async (_, changed) => {
        edits.push(changed.weight)
        return 'edited'
      },
    })
    expect(await registry.edit('orders', '1', ({ weight }) => ({ weight: weight / 2 }))).toBe(
      'edited',
    )
    expect(edits).toEqual([50])
    expect(await refusal(registry.edit('orders', '1', () => ({ weight: -1 })))).toContain(
      '[invalid-argument] edit orders: weight',
    )
  })

  test('is absent when no record has the id', async () => {
    const { registry } = createBed({ ...listing(record), edit: async () => 'edited' })
    expect(await registry.edit('orders', '3', { weight: 0 })).toBe('absent')
  })

  test('reads again when the record changes in between, five times at most', async () => {
    let rounds = 0
    const until = (most: number): Bed =>
      createBed({
        ...listing(record),
        edit: async () => {
          rounds += 1
          return rounds < most ? 'changed' : 'edited'
        },
      })
    expect(await until(5).registry.edit('orders', '1', { weight: 0 })).toBe('edited')
    expect(rounds).toBe(5)
    rounds = 0
    expect(await refusal(until(6).registry.edit('orders', '1', { weight: 0 }))).toBe(
      'scripted [conflict] edit orders: id "1" was changed by other clients during each of 5 attempts; try again',
    )
    expect(rounds).toBe(5)
  })

  test('refuses what cannot be edited', async () => {
    const { registry: without } = createBed(listing(record))
    expect(await refusal(without.edit('orders', '1', { weight: 0 }))).toBe(
      'scripted [unsupported] edit orders: only the owner of an instance can change it on this backend; use its own `update`',
    )
    const { registry: foreign } = createBed({ ...listing(unclaimed), edit: async () => 'edited' })
    expect(await refusal(foreign.edit('orders', '1', { weight: 0 }))).toBe(
      'scripted [conflict] edit orders: id "1" has a record without a claim, so its owner would revert the edit; use its own `update`',
    )
  })

  test('refuses bad input before any I/O', async () => {
    const { registry, backend } = createBed({ edit: async () => 'edited' })
    expect(await refusal(registry.edit('', '1', {}))).toContain('[invalid-argument] edit')
    expect(await refusal(registry.edit('a', '', {}))).toContain('[invalid-argument] edit')
    expect(await refusal(registry.edit('a', '1', { weight: -1 }))).toContain(
      '[invalid-argument] edit a: weight',
    )
    expect(backend.calls).toEqual([])
  })

  test('refuses a record that would be too large', async () => {
    const { driver } = new ScriptedBackend(new ManualClock())
    const { registry } = createBed({
      ...listing(record),
      capabilities: { ...driver().capabilities, maxRecordBytes: 300 },
      edit: async () => 'edited',
    })
    const said = await refusal(registry.edit('orders', '1', { tags: ['t'.repeat(120)] }))
    expect(said).toMatch(
      /^scripted \[invalid-argument\] edit orders: the record is \d+ bytes; expected at most 300 on this backend: shorten metadata, tags or endpoints$/,
    )
  })

  test('ends with its signal', async () => {
    const { registry } = createBed({ ...listing(record), edit: async () => 'edited' })
    expect(
      await refusal(registry.edit('orders', '1', {}, { signal: AbortSignal.abort('no') })),
    ).toBe('no')
  })
})

describe('removeRecord', () => {
  test('opens its session for the ttl of the registry, and rejects with the outcome', async () => {
    const ttls: number[] = []
    const bed = createBed({
      openSession: async (options, signal) => {
        ttls.push(options.ttlMs)
        return bed.backend.driver().openSession(options, signal)
      },
    })
    bed.backend.answerRemove = () => [{ result: 'error', error: failure('permission-denied') }]
    expect(await refusal(bed.registry.removeRecord(record))).toContain('[permission-denied]')
    expect(ttls).toEqual([1_000])
  })

  test('removes the record in a session of its own, which it closes', async () => {
    const { registry, backend } = createBed()
    backend.write({
      ...record,
      claim: { owner: 'other', claimedAtMs: 5, seq: 2 },
      mode: 'if-newer',
      ttlMs: 1,
      registeredAtMs: 1,
    })
    expect(await registry.removeRecord(record)).toBe('removed')
    expect(backend.records.size).toBe(0)
    expect(backend.calls.map(({ operation }) => operation)).toEqual([
      'open-session',
      'remove',
      'close-session',
    ])
    expect(backend.sessions.size).toBe(0)
    expect(await registry.removeRecord(record)).toBe('absent')
  })

  test('leaves a record that another owner has written since', async () => {
    const { registry, backend } = createBed()
    backend.write({
      ...record,
      claim: { owner: 'newer', claimedAtMs: 9, seq: 0 },
      mode: 'if-newer',
      ttlMs: 1,
      registeredAtMs: 1,
    })
    expect(await registry.removeRecord(record)).toBe('not-ours')
    expect(backend.holderOf('orders', '1')?.owner).toBe('newer')
  })

  test('refuses a record without an owner before any I/O', async () => {
    const { registry, backend } = createBed()
    expect(await refusal(registry.removeRecord(unclaimed))).toBe(
      'scripted [unsupported] remove-record orders: the record of id "1" names no owner; remove it with the backend\'s own tools',
    )
    expect(backend.calls).toEqual([])
  })

  test('rejects with the backend’s refusal, and closes the session even so', async () => {
    const { registry, backend } = createBed()
    backend.before = ({ operation }) => {
      if (operation === 'remove') throw failure('permission-denied', operation)
    }
    expect(await refusal(registry.removeRecord(record))).toContain('[permission-denied] remove')
    expect(backend.sessions.size).toBe(0)
  })

  test('closes the session of an aborted call, and waits no longer than a call', async () => {
    const { registry, backend, clock } = createBed()
    backend.before = ({ operation }) =>
      operation === 'remove' ? new Promise<void>(() => {}) : undefined
    const aborter = new AbortController()
    const removing = refusal(registry.removeRecord(record, { signal: aborter.signal }))
    await clock.advance(10)
    aborter.abort('enough')
    expect(await removing).toBe('enough')
    await clock.advance(10)
    expect(clock.pending).toBe(0)
  })
})
