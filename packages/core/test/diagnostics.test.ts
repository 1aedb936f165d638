import { describe, expect, test } from 'vitest'
import { type RegistryError, type RegistryOptions } from '@sd/core'
import { toCursor, toRecordKey } from '@sd/core/driver'
import {
  capMs,
  createTestBed,
  instance,
  type TestBed,
  ttlMs,
} from './registration/supervisor-test-bed.ts'
import { failure } from './scripted-backend.ts'

interface Told extends TestBed {
  /** What was told since the last call: level, event, details, and the cause by code and operation. */
  readonly told: () => readonly string[]
}

const createTold = (options: RegistryOptions = {}): Told => {
  const lines: string[] = []
  const note =
    (level: string) =>
    (details: object): void => {
      const { backend, event, cause, err, ...rest } = details as Readonly<Record<string, unknown>>
      const { code, operation } = (cause ?? err ?? {}) as Partial<RegistryError>
      const text = JSON.stringify(rest)
      const shown = text === '{}' ? '' : ` ${text}`
      const why = code === undefined ? '' : ` (${code} of ${operation})`
      lines.push(
        `${backend === 'scripted' ? '' : 'NO BACKEND '}${level} ${String(event)}${shown}${why}`,
      )
    }
  const bed = createTestBed({
    random: { next: () => 0.5, id: (length) => 'x'.repeat(length) },
    logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    ...options,
  })
  return { ...bed, told: () => lines.splice(0) }
}

const a1 = '{"service":"a","id":"1"}'

describe('what is told of registrations', () => {
  test('registered, lost, back, and closed', async () => {
    const { clock, backend, registry, told } = createTold()
    void registry.register(instance('a', '1'))
    await clock.advance(10)
    expect(told()).toEqual([
      'debug session-opening',
      'debug session-live {"session":"session-1"}',
      `info registration-registered ${a1}`,
    ])
    backend.lose('session-1')
    await clock.advance(10)
    expect(told()).toEqual([
      'warn outage-began (session-lost of test)',
      'debug session-waiting (session-lost of test)',
      `debug registration-recovering ${a1} (session-lost of test)`,
      'debug session-opening',
      'debug session-live {"session":"session-2"}',
      'info outage-ended {"outageMs":0}',
      `debug registration-registered ${a1}`,
      'debug session-closed {"session":"session-1"}',
    ])
    await registry.close()
    expect(told()).toEqual([
      'debug session-closed',
      'debug session-closed {"session":"session-2"}',
      `info registration-closed ${a1}`,
    ])
    expect(clock.pending).toBe(0)
  })

  test('an outage by a failing heartbeat, and its end', async () => {
    const { clock, backend, registry, told } = createTold()
    void registry.register(instance('a', '1'))
    await clock.advance(10)
    told()
    backend.before = ({ operation }) => {
      if (operation === 'renew') throw failure('unavailable', operation)
    }
    await clock.advance(300)
    expect(told()).toEqual(['warn outage-began (unavailable of renew)'])
    backend.before = () => {}
    await clock.advance(300)
    expect(told()).toEqual([expect.stringMatching(/^info outage-ended \{"outageMs":\d+\}$/)])
  })

  test('what others do to the record', async () => {
    const { clock, backend, registry, told } = createTold()
    void registry.register(instance('a', '1'))
    await clock.advance(10)
    told()
    backend.records.delete('a/1')
    await clock.advance(ttlMs)
    expect(told()).toEqual([
      `warn record-missing ${a1}`,
      `warn registration-recovering ${a1} (conflict of audit)`,
      `info registration-registered ${a1}`,
    ])
    const stored = backend.records.get('a/1')
    if (stored === undefined) throw new Error('not written again')
    const { claim } = stored
    const edited = { ...stored.instance, weight: 7 }
    backend.records.set('a/1', {
      ...stored,
      instance: edited,
      claim: { ...claim, seq: claim.seq + 1 },
    })
    await clock.advance(ttlMs)
    expect(told()).toEqual([`info record-adopted ${a1}`])
    backend.write({ ...stored, claim: { owner: 'other', claimedAtMs: 9e9, seq: 0 } })
    await clock.advance(ttlMs)
    expect(told()).toEqual([`warn registration-superseded ${a1} (conflict of register)`])
  })

  test('a refused update, and audits that fail', async () => {
    const { clock, backend, registry, told } = createTold()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    const one = await registering
    told()
    backend.before = ({ operation }) => {
      if (operation === 'put') throw failure('permission-denied', operation)
    }
    one.update({ weight: 3 }).catch(() => {})
    await clock.advance(100)
    expect(told()).toEqual([`warn registration-recovering ${a1} (permission-denied of put)`])
    backend.before = () => {}
    await clock.advance(ttlMs)
    expect(told()).toEqual([`info registration-registered ${a1}`])
    backend.before = ({ operation }) => {
      if (operation === 'audit') throw failure('unavailable', operation)
    }
    await clock.advance(ttlMs)
    expect(told()[0]).toBe('warn outage-began (unavailable of audit)')
  })

  test('sessions that cannot be opened', async () => {
    const { clock, backend, registry, told } = createTold()
    backend.before = ({ operation }) => {
      if (operation === 'open-session') throw failure('unavailable', operation)
    }
    registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(10)
    expect(told()).toEqual([
      'debug session-opening',
      'warn outage-began (unavailable of open-session)',
      `debug registration-retry ${a1} (unavailable of open-session)`,
      'debug session-waiting (unavailable of open-session)',
    ])
    backend.before = ({ operation }) => {
      if (operation === 'open-session') throw failure('permission-denied', operation)
    }
    await clock.advance(capMs)
    expect(told()).toEqual([
      'debug session-opening',
      'warn outage-changed (permission-denied of open-session)',
      `warn registration-failed ${a1} (permission-denied of open-session)`,
      'debug session-waiting (permission-denied of open-session)',
      'debug session-idle',
    ])
  })

  test('a close that the backend does not acknowledge', async () => {
    const { clock, backend, registry, told } = createTold()
    void registry.register(instance('a', '1'))
    await clock.advance(10)
    told()
    backend.before = ({ operation }) => {
      if (operation === 'close-session') throw failure('unavailable', operation)
    }
    const closing = registry.close()
    await clock.advance(501)
    await closing
    const lines = told()
    expect(lines).toContain(
      'debug session-close-failed {"session":"session-1"} (unavailable of close-session)',
    )
    expect(lines.at(-1)).toBe('warn close-incomplete (timeout of close)')
    expect(clock.pending).toBe(0)
  })
})

describe('what is told of watches', () => {
  test('attached, skipped, stale, retried and refused', async () => {
    const { clock, backend, registry, told } = createTold()
    let cause: Error | undefined
    const failing = new Set<() => void>()
    backend.observe = async function* () {
      if (cause !== undefined) throw cause
      const skipped = [{ key: toRecordKey('a/x'), reason: 'no JSON' }]
      yield { type: 'snapshot', records: [], skipped, cursor: toCursor('1') }
      await new Promise<void>((resolve) => failing.add(resolve))
      throw failure('unavailable', 'watch')
    }
    const watchers = [registry.watch('a'), registry.watchAll(), registry.watchServices()]
    await clock.advance(10)
    expect(told()).toEqual([
      'debug watch-live {"scope":{"service":"a"}}',
      'warn record-skipped {"key":"a/x","reason":"no JSON"}',
      'debug watch-live {"scope":{"all":true}}',
      'warn record-skipped {"key":"a/x","reason":"no JSON"}',
      'debug watch-live {"scope":{"services":true}}',
    ])
    for (const watcher of watchers.slice(1)) watcher.close()
    cause = failure('unavailable', 'watch')
    for (const fail of failing) fail()
    await clock.advance(30)
    const scope = '{"scope":{"service":"a"}} (unavailable of watch)'
    expect(told().slice(0, 3)).toEqual([
      'warn outage-began (unavailable of watch)',
      `debug watch-stale ${scope}`,
      `debug watch-retry ${scope}`,
    ])
    cause = failure('permission-denied', 'watch')
    const refused = registry.watch('c')
    await expect(Promise.all([refused.next(), clock.advance(30)])).rejects.toBe(cause)
    expect(told()).toContain(
      'warn watch-stale {"scope":{"service":"c"}} (permission-denied of watch)',
    )
    await registry.close()
  })

  test('a history that is lost, and a driver that ends a watch without an error', async () => {
    const { clock, backend, registry, told } = createTold()
    let ends: Error | undefined = failure('cursor-expired', 'watch')
    backend.observe = async function* (_scope, signal, cursor) {
      if (cursor !== undefined && ends !== undefined) throw ends
      yield { type: 'snapshot', records: [], skipped: [], cursor: toCursor('1') }
      if (ends === undefined || cursor === undefined) return
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    }
    registry.watch('a')
    await clock.advance(1)
    const lines = told()
    expect(lines).toEqual([
      'debug watch-live {"scope":{"service":"a"}}',
      'warn outage-began (unavailable of watch)',
      'debug watch-stale {"scope":{"service":"a"}} (unavailable of watch)',
    ])
    await clock.advance(2 * capMs)
    expect(told()).toContain(
      'info watch-resync {"scope":{"service":"a"}} (cursor-expired of watch)',
    )
    ends = undefined
    await registry.close()
  })
})

describe('health', () => {
  test('of a registry that is well', async () => {
    const { clock, registry } = createTold()
    void registry.register(instance('a', '1'))
    registry.watch('a')
    registry.watchAll()
    registry.watchServices()
    await clock.advance(260)
    const watch = { state: 'live', held: 0, readers: 1 }
    expect(registry.health()).toStrictEqual({
      backend: 'scripted',
      ok: true,
      state: 'ok',
      session: {
        state: 'live',
        id: 'session-1',
        grantedTtlMs: ttlMs,
        renewedAt: new Date(1_000_250),
      },
      registrations: [
        {
          service: 'a',
          id: '1',
          health: 'passing',
          status: { state: 'registered', since: new Date(1_000_000) },
        },
      ],
      pendingRemovals: 0,
      watches: [
        { ...watch, service: 'a', scope: 'service', entries: 0 },
        { ...watch, service: undefined, scope: 'all', entries: 0 },
        { ...watch, service: undefined, scope: 'services', entries: 0 },
      ],
      lastErrors: [],
    })
  })

  test('of watches that have received nothing yet, or nothing any more', async () => {
    const { clock, backend, registry } = createTold()
    let attached = 0
    backend.observe = async function* () {
      attached += 1
      if (attached > 1) await new Promise(() => {})
      yield { type: 'snapshot', records: [], skipped: [] }
      await new Promise<void>((resolve) => void clock.setTimer(50, resolve))
      throw failure('unavailable', 'watch')
    }
    registry.watch('a')
    await clock.advance(10)
    registry.watchAll()
    await clock.advance(10)
    const { ok, state, session, watches } = registry.health()
    expect([ok, state, session]).toStrictEqual([false, 'degraded', { state: 'idle' }])
    const all = { service: undefined, scope: 'all', state: 'attaching' }
    expect(watches).toMatchObject([{ scope: 'service', state: 'live' }, all])
    expect(watches[0]).not.toHaveProperty('stale')
    await clock.advance(capMs + 50)
    expect(registry.health()).toMatchObject({
      ok: false,
      watches: [
        {
          service: 'a',
          state: 'attaching',
          stale: { since: new Date(1_000_050), cause: { code: 'unavailable' } },
        },
        all,
      ],
    })
    await registry.close()
  })

  test('names why there is no session, and the last failures, each once', async () => {
    const { clock, backend, registry } = createTold()
    const cause = failure('unavailable', 'open-session')
    backend.before = ({ operation }) => {
      if (operation === 'open-session') throw cause
    }
    registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(capMs)
    const { ok, session, registrations, lastErrors } = registry.health()
    expect(ok).toBe(false)
    expect(session).toStrictEqual({ state: 'waiting', cause })
    expect(registrations).toMatchObject([{ status: { state: 'registering', cause } }])
    expect(lastErrors).toEqual([{ at: new Date(1_000_000), error: cause }])
    await registry.close()
    expect(registry.health()).toMatchObject({
      ok: false,
      session: { state: 'closed' },
      registrations: [],
    })
  })

  test('keeps the latest sixteen failures', async () => {
    const { clock, backend, registry } = createTold()
    let count = 0
    backend.before = ({ operation }) => {
      if (operation !== 'open-session') return
      count += 1
      throw failure('unavailable', `open-${count}`)
    }
    registry.register(instance('a', '1')).catch(() => {})
    await clock.advance(20 * capMs)
    const { lastErrors } = registry.health()
    expect(lastErrors.map(({ error }) => error.operation)).toEqual(
      Array.from({ length: 16 }, (_, index) => `open-${count - 15 + index}`),
    )
    expect(lastErrors).not.toBe(registry.health().lastErrors)
    await registry.close()
  })

  test('a removal that is not acknowledged keeps it from being well', async () => {
    const { clock, backend, registry } = createTold()
    const registering = registry.register(instance('a', '1'))
    await clock.advance(10)
    backend.before = ({ operation }) => {
      if (operation === 'remove') throw failure('unavailable', operation)
    }
    void (await registering).deregister()
    await clock.advance(1)
    expect(registry.health()).toMatchObject({ ok: false, pendingRemovals: 1, registrations: [] })
    backend.before = () => {}
    await clock.advance(capMs)
    expect(registry.health()).toMatchObject({ ok: true, pendingRemovals: 0 })
  })
})
