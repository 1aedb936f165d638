import { describe, expect, test } from 'vitest'
import type { Observation } from '@sd/core/driver'
import { toRecordKey } from '../../src/model/instance-record.ts'
import { failure } from '../scripted-backend.ts'
import {
  capMs,
  createTestBed,
  instance,
  outcomeOf,
  type TestBed,
  ttlMs,
} from './supervisor-test-bed.ts'

const random = { next: () => 0.5, id: (length: number) => 'x'.repeat(length) }

const registered = async (options: Parameters<typeof createTestBed>[0] = {}) => {
  const lines: { readonly message: string; readonly [detail: string]: unknown }[] = []
  const note =
    (level: string) =>
    (details: object, message: string): void =>
      void lines.push({ ...details, level, message })
  const logger = {
    debug: () => {},
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  }
  const bed = createTestBed({ random, logger, ...options })
  const registering = bed.registry.register(instance('a', '1'))
  await bed.clock.advance(1)
  return { ...bed, lines, one: await registering }
}

const storedOf = ({ backend }: Pick<TestBed, 'backend'>) => {
  const stored = backend.records.get('a/1')
  if (stored === undefined) throw new Error('not stored')
  return stored
}

describe('an audit', () => {
  test('asks only for what is written in the session', async () => {
    const { clock, backend, registry } = await registered()
    backend.answerPut = ({ instance: { id } }) =>
      id === '2' ? { result: 'error', error: failure('unavailable') } : undefined
    registry.register(instance('a', '2')).catch(() => {})
    const third = registry.register(instance('a', '3'))
    await clock.advance(1)
    backend.before = ({ operation }) => {
      if (operation === 'remove') throw failure('unavailable')
    }
    void (await third).deregister()
    await clock.advance(ttlMs)
    const asked = backend.calls.flatMap((call) => (call.operation === 'audit' ? call.keys : []))
    expect([...new Set(asked)]).toEqual(['a/1'])
  })

  test('that was asked before an update does not undo it', async () => {
    const { clock, backend, one, lines } = await registered()
    const answer = Promise.withResolvers<void>()
    backend.auditsBefore = true
    backend.records.delete('a/1')
    backend.before = ({ operation }) => (operation === 'audit' ? answer.promise : undefined)
    await clock.advance(0.75 * ttlMs + 100)
    expect(backend.count('audit')).toBe(1)
    backend.auditsBefore = false
    const updating = one.update({ weight: 5 })
    answer.resolve()
    await clock.advance(1)
    await updating
    expect(storedOf({ backend }).instance.weight).toBe(5)
    expect(lines.map(({ event }) => event)).not.toContain('record-missing')
    expect(one.status.state).toBe('registered')
  })

  test('without an outcome from the driver disturbs nothing', async () => {
    const { clock, backend, one, registry } = await registered()
    const states: string[] = []
    void (async () => {
      for await (const { state } of one.statuses()) states.push(state)
    })()
    backend.answerAudit = () => []
    await clock.advance(3 * ttlMs)
    expect(states).toEqual(['registered'])
    expect(registry.health().ok).toBe(true)
  })

  test('reports what it found once, however long the record cannot be written again', async () => {
    const { clock, backend, lines, one } = await registered()
    backend.records.delete('a/1')
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('unavailable')
    }
    await clock.advance(4 * ttlMs)
    expect(lines.filter(({ event }) => event === 'record-missing')).toHaveLength(1)
    expect(one.status).toMatchObject({ state: 'recovering' })
    backend.before = () => {}
    await clock.advance(capMs)
    expect(one.status.state).toBe('registered')
  })

  test('that is refused for what was deregistered meanwhile concerns nobody', async () => {
    const { clock, backend, one, lines } = await registered()
    const answer = Promise.withResolvers<void>()
    backend.before = ({ operation }) => (operation === 'audit' ? answer.promise : undefined)
    await clock.advance(0.85 * ttlMs)
    const gone = outcomeOf(one.deregister())
    await clock.advance(1)
    answer.reject(failure('permission-denied', 'audit'))
    await clock.advance(1)
    expect(gone.ending).toBe('resolved')
    expect(lines.map(({ event }) => event)).toEqual([
      'registration-registered',
      'registration-closed',
    ])
  })

  test('that finds a record of a program that writes no claims gives the id up', async () => {
    const { clock, backend, one } = await registered()
    const { claim: _, mode: __, ...foreign } = storedOf({ backend })
    backend.answerAudit = (audits) =>
      audits.map(({ service, id, owner }) => {
        const record = { ...foreign, key: toRecordKey('a/1') }
        return { service, id, owner, state: 'replaced', record, foreign: true }
      })
    const puts = backend.count('put')
    await clock.advance(ttlMs)
    expect(one.status).toMatchObject({ state: 'superseded', cause: { code: 'conflict' } })
    expect(backend.count('put')).toBe(puts)
  })

  test('that is not answered names the service of its batch', async () => {
    const { clock, backend, lines } = await registered()
    backend.before = ({ operation }) =>
      operation === 'audit' ? new Promise<void>(() => {}) : undefined
    await clock.advance(2 * ttlMs)
    expect(lines[1]).toMatchObject({
      event: 'outage-began',
      err: { code: 'timeout', operation: 'audit', service: 'a', backend: 'scripted' },
    })
  })

  test('replaces a record of its own session that cannot be read', async () => {
    const { clock, backend } = await registered()
    let found = 0
    backend.answerAudit = (audits) =>
      audits.map(({ service, id, owner }) => {
        found += 1
        return { service, id, owner, state: found === 1 ? 'edited' : 'ours' }
      })
    await clock.advance(2 * ttlMs)
    expect(backend.count('put')).toBe(2)
  })
})

describe('an edit by another client', () => {
  test('keeps the fields that this version does not know', async () => {
    const { clock, backend, one } = await registered()
    const unknownFields = { shard: 7 }
    const sent: unknown[] = []
    backend.answerPut = (request) => {
      sent.push(request.unknownFields)
      return undefined
    }
    const { instance: stored, claim } = storedOf({ backend })
    backend.answerAudit = (audits) => {
      backend.answerAudit = (later) => later
      return audits.map(({ service, id, owner }) => ({
        service,
        id,
        owner,
        state: 'edited',
        record: {
          key: toRecordKey('a/1'),
          instance: { ...stored, weight: 3 },
          claim: { ...claim, seq: 1 },
          unknownFields,
        },
      }))
    }
    await clock.advance(ttlMs)
    const updating = one.update({ weight: 4 })
    await clock.advance(1)
    await updating
    expect(sent).toEqual([unknownFields, unknownFields])
    const second = createTestBed({ random })
    const requests: object[] = []
    second.backend.answerPut = (request) => {
      requests.push(request)
      return undefined
    }
    void second.registry.register(instance('a', '1'))
    await second.clock.advance(1)
    expect(requests[0]).not.toHaveProperty('unknownFields')
  })

  test('that leaves the health alone leaves it to the check', async () => {
    const { clock, backend, registry } = createTestBed({ random, ttlMs: 4_000 })
    let works = false
    const registering = registry.register(instance('a', '1'), {
      check: () => works,
      intervalMs: 1_000,
    })
    await clock.advance(1)
    await registering
    const stored = storedOf({ backend })
    expect(stored.instance.health).toBe('failing')
    backend.records.set('a/1', {
      ...stored,
      instance: { ...stored.instance, weight: 3 },
      claim: { ...stored.claim, seq: 5 },
    })
    await clock.advance(4_000)
    works = true
    await clock.advance(1_100)
    expect(storedOf({ backend }).instance).toMatchObject({ weight: 3, health: 'passing' })
  })
})

test('a change of a check is logged, a failure as a warning with its cause', async () => {
  const { clock, lines, registry } = await registered({ ttlMs: 60_000 })
  let works = true
  void registry.register(instance('a', '2'), {
    check: () => {
      if (!works) throw new Error('no database')
    },
    intervalMs: 100,
    failuresBeforeFailing: 2,
    successesBeforePassing: 2,
  })
  await clock.advance(250)
  works = false
  await clock.advance(500)
  works = true
  await clock.advance(500)
  expect(lines.filter(({ event }) => String(event).startsWith('check-'))).toMatchObject([
    {
      event: 'check-failing',
      level: 'warn',
      service: 'a',
      id: '2',
      err: { message: expect.stringContaining('no database') },
      message: expect.stringMatching(/^the check of a\/2 is failing: .*no database/),
    },
    {
      event: 'check-passing',
      level: 'info',
      service: 'a',
      id: '2',
      message: 'the check of a/2 is passing',
    },
  ])
})

describe('a sign of trouble', () => {
  /** A watch of four peers, whose removals the test pushes. */
  const watching = async () => {
    const bed = await registered()
    let push: (observation: Observation) => void = () => {}
    bed.backend.observe = async function* () {
      const records = ['1', '2', '3', '4'].map((id) => ({
        key: toRecordKey(`peer/${id}`),
        instance: { ...storedOf(bed).instance, service: 'peer', id },
      }))
      yield { type: 'snapshot', records, skipped: [] }
      for (;;)
        yield await new Promise<Observation>((resolve) => {
          push = resolve
        })
    }
    const watcher = bed.registry.watch('peer')
    await bed.clock.advance(1)
    const leave = async (): Promise<number> => {
      const removed = ['1', '2', '3'].map((id) => toRecordKey(`peer/${id}`))
      push({ type: 'changes', records: [], skipped: [], removed })
      await bed.clock.advance(1)
      return watcher.size
    }
    return { ...bed, leave }
  }

  test('without any, removals are told at once', async () => {
    const { clock, leave } = await watching()
    await clock.advance(2 * ttlMs)
    expect(await leave()).toBe(1)
  })

  test.each(['renew', 'audit'])('that a %s fails protects the watches', async (failing) => {
    const { clock, backend, leave } = await watching()
    await clock.advance(2 * ttlMs)
    const failed = Promise.withResolvers<void>()
    backend.before = ({ operation }) => {
      if (operation !== failing) return
      backend.before = () => {}
      failed.resolve()
      throw failure('unavailable')
    }
    await clock.advance(ttlMs)
    await failed.promise
    expect(await leave()).toBe(4)
  })

  test('a probe that fails protects them until a hold after the next answer', async () => {
    for (const [afterMs, size] of [
      [ttlMs, 4],
      [ttlMs + capMs + 2_000 + ttlMs, 1],
    ] as const) {
      const { clock, backend, leave } = await watching()
      await clock.advance(2 * ttlMs)
      backend.before = ({ operation }) => {
        if (operation !== 'probe') return
        backend.before = () => {}
        throw failure('unavailable')
      }
      await clock.advance(afterMs)
      expect(await leave(), `after ${afterMs} ms`).toBe(size)
    }
  })

  test('a process that did not run for long protects them', async () => {
    const { clock, leave } = await watching()
    await clock.advance(2 * ttlMs)
    const monotonicMs = clock.monotonicMs.bind(clock)
    clock.monotonicMs = () => monotonicMs() + 2 * ttlMs
    expect(await leave()).toBe(4)
  })

  test('that access is denied does not', async () => {
    const { clock, backend, leave } = await watching()
    await clock.advance(2 * ttlMs)
    backend.before = ({ operation }) => {
      if (operation === 'renew') throw failure('permission-denied')
    }
    await clock.advance(ttlMs / 2)
    expect(await leave()).toBe(1)
  })
})

test('what waits is repeated at once when a heartbeat is answered again', async () => {
  const { clock, backend, one } = await registered({ backoff: { minMs: 50_000, maxMs: 60_000 } })
  backend.before = ({ operation }) => {
    if (operation === 'put' || operation === 'renew') throw failure('unavailable')
  }
  const updated = outcomeOf(one.update({ weight: 3 }))
  await clock.advance(ttlMs / 3)
  backend.before = () => {}
  await clock.advance(ttlMs / 3)
  expect(updated.ending).toBe('resolved')
})

test('a session that may not be opened ends no registration that was written', async () => {
  const { clock, backend, one } = await registered()
  backend.before = ({ operation }) => {
    if (operation === 'open-session') throw failure('permission-denied')
  }
  backend.lose('session-1')
  await clock.advance(ttlMs)
  expect(one.status).toMatchObject({ state: 'recovering', cause: { code: 'permission-denied' } })
  backend.before = () => {}
  await clock.advance(capMs)
  expect(one.status.state).toBe('registered')
})
