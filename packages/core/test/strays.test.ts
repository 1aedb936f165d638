import { describe, expect, test } from 'vitest'
import { type Claim, Registry } from '@sd/core'
import {
  commonService,
  type ConditionalStore,
  type FoundRecord,
  jsonFormat,
  type RecordKey,
  type RegistryDriver,
  removeStraysOwned,
  SentRecords,
  toRecordKey,
} from '@sd/core/driver'
import { ManualClock } from './manual-clock.ts'
import { instance, ttlMs } from './registration/supervisor-test-bed.ts'
import { failure, ScriptedBackend } from './scripted-backend.ts'

const claim: Claim = { owner: 'me', claimedAtMs: 1, seq: 0 }
const whole = { ...instance('a', '1'), weight: 1, health: 'passing', tags: [], metadata: {} }
const request = { instance: whole, claim, mode: 'if-newer' as const, ttlMs, registeredAtMs: 0 }

describe('removeStraysOwned', () => {
  /** A store in which every key of `sessions` stands under that session. */
  const createStore = (sessions: Readonly<Record<string, string>>) => {
    const calls: string[] = []
    const changing = new Set<string>()
    const store: ConditionalStore<number> = {
      absent: 0,
      read: async (keys) => {
        calls.push(`read ${keys.join()}`)
        return keys.map((key): FoundRecord<number> => {
          const sessionId = sessions[key]
          if (sessionId === undefined) return { existing: undefined, revision: 0 }
          const value = jsonFormat.encode(request)
          const record = { key: toRecordKey(key), instance: whole }
          return { existing: { value, record, sessionId }, revision: 7 }
        })
      },
      write: async (writes) => {
        calls.push(
          `write ${writes.map(({ key, value, expected }) => `${key} ${String(value)} ${expected}`).join()}`,
        )
        return writes.map(({ key }) => (changing.has(key) ? 'changed' : { revision: undefined }))
      },
    }
    return { calls, changing, store }
  }

  test('removes in batches what the session holds and did not send', async () => {
    const { calls, changing, store } = createStore({
      s1: 'mine',
      s2: 'mine',
      s3: 'mine',
      theirs: 'x',
      kept: 'mine',
    })
    changing.add('s2')
    const sent = new SentRecords<number>()
    sent.add('kept', 'me', jsonFormat.encode(request))
    const tied = ['kept', 's1', 's2', 'theirs', 'gone', 's3']
    expect(await removeStraysOwned({ id: 'mine', sent }, tied, store, 2)).toEqual(['s1', 's3'])
    expect(calls).toEqual([
      'read s1,s2',
      'write s1 undefined 7,s2 undefined 7',
      'read theirs,gone',
      'read s3',
      'write s3 undefined 7',
    ])
  })
})

test('commonService names the service of a batch that has one', () => {
  expect(commonService([{ service: 'a' }, { service: 'a' }])).toBe('a')
  expect(commonService([{ service: 'a' }, { service: 'b' }])).toBeUndefined()
  expect(commonService([])).toBeUndefined()
})

describe('an audit', () => {
  /** A registry whose sessions are asked for strays. */
  const audited = async (removeStrays: (signal: AbortSignal) => Promise<readonly RecordKey[]>) => {
    const clock = new ManualClock()
    const backend = new ScriptedBackend(clock)
    const lines: object[] = []
    const note = (details: object): void => void lines.push(details)
    const original = backend.driver()
    const driver: RegistryDriver = {
      ...original,
      openSession: async (options, signal) => ({
        ...(await original.openSession(options, signal)),
        removeStrays,
      }),
    }
    const logger = { debug: () => {}, info: () => {}, warn: note, error: note }
    const registry = new Registry(driver, {
      clock,
      ttlMs,
      logger,
      callTimeoutMs: 200,
      backoff: { minMs: 50, maxMs: 400 },
    })
    const registering = registry.register(instance('a', '1'))
    await clock.advance(1)
    await registering
    return { clock, backend, registry, lines }
  }

  test('tells of each record that is removed as a stray', async () => {
    let asked = 0
    const { clock, lines } = await audited(async () => {
      asked += 1
      return asked === 1 ? [toRecordKey('a/stray')] : []
    })
    await clock.advance(2 * ttlMs)
    expect(asked).toBeGreaterThan(1)
    expect(lines).toEqual([{ backend: 'scripted', event: 'record-stray', key: 'a/stray' }])
  })

  test('that may not look for strays disturbs nothing', async () => {
    const { clock, backend, registry, lines } = await audited(() =>
      Promise.reject(failure('permission-denied')),
    )
    await clock.advance(3 * ttlMs)
    expect(lines).toEqual([])
    expect(registry.health().ok).toBe(true)
    expect(backend.count('audit')).toBeLessThan(5)
  })

  test('that is not answered about strays is repeated sooner', async () => {
    const { clock, backend, lines } = await audited(() => new Promise(() => {}))
    await clock.advance(3 * ttlMs)
    expect(lines[0]).toMatchObject({
      event: 'outage-began',
      err: { code: 'timeout', operation: 'audit' },
    })
    expect(backend.count('audit')).toBeGreaterThan(4)
  })

  test('that learns about strays of a lost session opens another', async () => {
    let asked = 0
    const { clock, backend } = await audited(() => {
      asked += 1
      return asked === 1 ? Promise.reject(failure('session-lost')) : Promise.resolve([])
    })
    await clock.advance(2 * ttlMs)
    expect(backend.records.get('a/1')?.session).toBe('session-2')
  })
})
