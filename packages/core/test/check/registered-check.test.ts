import { RegistryError, type RegisterOptions, type Registration } from '@sd/core'
import { getEventListeners } from 'node:events'
import { CheckLoop } from '../../src/check/check-loop.ts'
import { resolveCheck } from '../../src/check/check-options.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createTestBed,
  instance,
  outcomeOf,
  type TestBed,
} from '../registration/supervisor-test-bed.ts'

const intervalMs = 1_000
const timeoutMs = 200

let bed: TestBed
const rejections: unknown[] = []
const listen = (reason: unknown): void => void rejections.push(reason)
beforeEach(() => {
  bed = createTestBed({ ttlMs: 60_000 })
  process.on('unhandledRejection', listen)
})
afterEach(async () => {
  const closing = bed.registry.close()
  await bed.clock.advance(1_000)
  await closing
  await new Promise(setImmediate)
  process.off('unhandledRejection', listen)
  const [unhandled] = rejections.splice(0)
  if (unhandled !== undefined) throw new Error('an unhandled rejection', { cause: unhandled })
})

/** Registers an instance whose check does what the test says. */
const register = async (
  check: (signal: AbortSignal, run: number) => unknown,
  options: RegisterOptions = {},
) => {
  let runs = 0
  const registering = bed.registry.register(instance('orders', 'a'), {
    check: (signal) => check(signal, (runs += 1)),
    intervalMs,
    timeoutMs,
    ...options,
  })
  await bed.clock.advance(timeoutMs)
  const registration = await registering
  return {
    registration,
    get runs() {
      return runs
    },
  }
}

const stored = (): string | undefined => bed.backend.records.get('orders/a')?.instance.health
const puts = (): number => bed.backend.count('put')
const failing = () => Promise.reject(new Error('no database'))

describe('the first run', () => {
  test('decides the health with which the instance is registered', async () => {
    await register(failing)
    expect(stored()).toBe('failing')
    expect(puts()).toBe(1)
    expect(bed.registry.health().registrations).toMatchObject([
      {
        health: 'failing',
        checkFailure: {
          code: 'unavailable',
          message: '[unavailable] check orders: the check failed: no database',
        },
      },
    ])
  })

  test('ends with the signal of register, and nothing is registered', async () => {
    const controller = new AbortController()
    const pending = outcomeOf(
      bed.registry.register(instance('orders', 'a'), {
        check: () => new Promise(() => {}),
        signal: controller.signal,
      }),
    )
    await bed.clock.advance(10)
    controller.abort('enough')
    await bed.clock.advance(10)
    expect(pending.ending).toBe('enough')
    expect(bed.registry.health().registrations).toEqual([])
    expect(bed.clock.pending).toBe(0)
  })

  test('ends with the registry', async () => {
    const pending = outcomeOf(
      bed.registry.register(instance('orders', 'a'), { check: () => new Promise(() => {}) }),
    )
    await bed.clock.advance(10)
    await bed.registry.close()
    expect(pending.ending).toBe('closed')
  })
})

describe('a check', () => {
  test('writes only changes of the health', async () => {
    let works = true
    const held = await register(() => works)
    await bed.clock.advance(10 * intervalMs)
    expect(held.runs).toBeGreaterThanOrEqual(10)
    expect(puts()).toBe(1)
    works = false
    await bed.clock.advance(10 * intervalMs)
    expect([stored(), puts()]).toEqual(['failing', 2])
    works = true
    await bed.clock.advance(10 * intervalMs)
    expect([stored(), puts()]).toEqual(['passing', 3])
    expect(bed.registry.health().registrations[0]).not.toHaveProperty('checkFailure')
  })

  test('needs so many failures and successes in a row', async () => {
    let results: boolean[] = []
    await register(() => results.shift() ?? true, {
      failuresBeforeFailing: 3,
      successesBeforePassing: 2,
    })
    const runAll = async (...given: boolean[]): Promise<string | undefined> => {
      results = given
      const began = bed.clock.monotonicMs()
      while (results.length > 0 && bed.clock.monotonicMs() - began < 60_000)
        await bed.clock.advance(intervalMs / 10)
      await bed.clock.advance(10)
      return stored()
    }
    expect(await runAll(false, false, true, false, false)).toBe('passing')
    expect(await runAll(true, false, false, false)).toBe('failing')
    expect(await runAll(true, false, true)).toBe('failing')
    expect(await runAll(true)).toBe('passing')
  })

  test('that hangs is out within failures × interval + timeout', async () => {
    let hangs = false
    await register((signal) => (hangs ? new Promise(() => void signal) : undefined))
    await bed.clock.advance(10 * intervalMs + 1)
    hangs = true
    await bed.clock.advance(3 * intervalMs + timeoutMs)
    expect(stored()).toBe('failing')
    expect(bed.registry.health().registrations[0]?.checkFailure?.message).toContain(
      'the run before has not ended yet',
    )
  })

  test('gets a signal that aborts at its deadline', async () => {
    let seen: unknown
    const held = await register((signal, run) => {
      if (run === 1) return undefined
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          seen = signal.reason
          reject(signal.reason as Error)
        })
      })
    })
    await bed.clock.advance(4 * intervalMs)
    expect(String(seen)).toContain('no result within 200 ms')
    // each run has ended, so that the next one may begin
    expect(held.runs).toBeGreaterThan(4)
    expect(stored()).toBe('failing')
  })

  test('is never run twice at the same time', async () => {
    let running = 0
    let most = 0
    let end: () => void = () => {}
    await register((_, run) => {
      running += 1
      most = Math.max(most, running)
      return new Promise<void>((resolve) => {
        end = () => {
          running -= 1
          resolve()
        }
        if (run === 1) end()
      })
    })
    await bed.clock.advance(10 * intervalMs)
    expect([running, most, stored()]).toEqual([1, 1, 'failing'])
    end()
    await bed.clock.advance(intervalMs)
    expect(most).toBe(1)
  })

  test('may throw synchronously, reject with anything, or reject late', async () => {
    const thrown: unknown[] = [new Error('thrown'), undefined, 'text', null, 7]
    await register((signal, run) => {
      if (run === 1) return undefined
      if (run === 2)
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => bed.clock.setTimer(50, () => reject(new Error())))
        })
      throw thrown[run % thrown.length]
    })
    await bed.clock.advance(10 * intervalMs)
    expect(stored()).toBe('failing')
  })

  test.each([
    ['deregister', (registration: Registration) => registration.deregister()],
    ['close', () => bed.registry.close()],
    ['a newer registration', () => bed.registry.register(instance('orders', 'a'))],
  ])('ends with %s', async (_, end) => {
    const held = await register(() => true)
    await bed.clock.advance(2 * intervalMs)
    const { runs } = held
    const ending = end(held.registration)
    await bed.clock.advance(10)
    await ending
    await bed.clock.advance(10 * intervalMs)
    expect(held.runs).toBe(runs)
  })

  test('that is stopped during a run tells nothing of it, and leaves no listener', async () => {
    let finish: (works: boolean) => void = () => {}
    let runs = 0
    const resolved = resolveCheck({
      check: () => ((runs += 1) === 1 ? true : new Promise((resolve) => (finish = resolve))),
      intervalMs,
      failuresBeforeFailing: 1,
    })
    if (resolved === undefined) throw new Error('there is a check')
    const random = { next: () => 1, id: () => '' }
    const loop = new CheckLoop(resolved, { backend: 'b', clock: bed.clock, random }, 'orders')
    const { signal } = new AbortController()
    await loop.first(signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    const told: unknown[] = []
    loop.start((outcome) => told.push(outcome))
    await bed.clock.advance(intervalMs)
    expect(runs).toBe(2)
    loop.stop()
    finish(false)
    await bed.clock.advance(intervalMs)
    expect(told).toEqual([])
  })

  test('whose registration ends during a run writes nothing more', async () => {
    let finish: (works: boolean) => void = () => {}
    const held = await register(
      (_, run) => (run === 1 ? true : new Promise((resolve) => (finish = resolve))),
      { failuresBeforeFailing: 1 },
    )
    await bed.clock.advance(intervalMs - timeoutMs)
    expect(held.runs).toBe(2)
    const gone = held.registration.deregister()
    finish(false)
    await bed.clock.advance(100)
    await gone
    expect(bed.backend.records.size).toBe(0)
    expect(puts()).toBe(1)
  })
})

describe('setHealth', () => {
  test('goes before the check, until it is set to passing', async () => {
    let works = true
    const { registration } = await register(() => works, { failuresBeforeFailing: 1 })
    const set = async (health: 'passing' | 'draining' | 'failing') => {
      const setting = registration.setHealth(health)
      await bed.clock.advance(10)
      await setting
      return stored()
    }
    expect(await set('draining')).toBe('draining')
    works = false
    await bed.clock.advance(2 * intervalMs)
    expect(stored()).toBe('draining')
    expect(await set('passing')).toBe('failing')
    works = true
    await bed.clock.advance(2 * intervalMs)
    expect(stored()).toBe('passing')
    expect(await set('failing')).toBe('failing')
    await bed.clock.advance(2 * intervalMs)
    expect(stored()).toBe('failing')
    expect(await set('passing')).toBe('passing')
  })

  test('is not what an update of other fields does', async () => {
    let works = false
    const { registration } = await register(() => works)
    const updating = registration.update({ weight: 5 })
    await bed.clock.advance(10)
    await updating
    expect(stored()).toBe('failing')
    works = true
    await bed.clock.advance(2 * intervalMs)
    expect(stored()).toBe('passing')
  })
})

test.each([
  [{ check: 'http://h' }, 'check is "http://h"'],
  [{ check: {} }, 'expected a function'],
  [{ check: null }, 'check is null'],
  [{ check: { http: 'h:80' } }, 'check.http is "h:80"; expected a URL'],
  [{ check: { http: 'http://[' } }, 'check.http is "http://["'],
  [{ check: { http: '' } }, 'check.http is ""'],
  [{ check: { http: ['http://h'] } }, 'check.http is'],
  [{ check: { tcp: '' } }, 'check.tcp is ""; expected host:port'],
  [{ check: { tcp: 'tcp://:80' } }, 'check.tcp'],
  [{ check: { http: 'ftp://h' } }, 'check.http'],
  [{ check: { tcp: 'h' } }, 'check.tcp is "h"; expected host:port'],
  [{ check: { grpc: 'http://h:1' } }, 'check.grpc'],
  [{ check: { tcp: 'h:1', http: 'http://h' } }, 'the fields tcp, http'],
  [{ check: { tcp: 'h:1', service: 'x' } }, 'the fields tcp, service'],
  [{ check: { grpc: 'h:1', service: 7 } }, 'the fields grpc, service'],
  [{ check: { service: 'x' } }, 'the fields service'],
  [{ check: () => true, intervalMs: 0 }, 'intervalMs is 0'],
  [{ check: () => true, intervalMs: '100' }, 'intervalMs is "100"'],
  [
    { check: () => true, intervalMs: 100, timeoutMs: 101 },
    'timeoutMs is 101; expected a number from 1 to 100',
  ],
  [{ check: () => true, failuresBeforeFailing: 1.5 }, 'failuresBeforeFailing is 1.5'],
  [{ check: () => true, successesBeforePassing: 0 }, 'successesBeforePassing is 0'],
  [{ intervalMs: 100 }, 'intervalMs is set without a check'],
] as readonly (readonly [object, string])[])(
  '%j is refused before anything is registered',
  async (options, message) => {
    const refused = bed.registry.register(instance('orders', 'a'), options)
    await expect(refused).rejects.toBeInstanceOf(RegistryError)
    await expect(refused).rejects.toMatchObject({ code: 'invalid-argument' })
    await expect(refused).rejects.toThrow(message)
    expect(bed.registry.health().registrations).toEqual([])
  },
)

test('every time may have a fraction, and a run may be as long as the interval', () => {
  const check = (): boolean => true
  expect(resolveCheck({})).toBeUndefined()
  expect(resolveCheck({ check: { http: 'http://h/healthz' } })).toBeDefined()
  expect(resolveCheck({ check: { grpc: 'h:1' } })).toMatchObject({
    intervalMs: 5_000,
    timeoutMs: 1_000,
    failuresBeforeFailing: 3,
    successesBeforePassing: 1,
  })
  expect(resolveCheck({ check, intervalMs: 500 })).toMatchObject({ timeoutMs: 500 })
  expect(resolveCheck({ check, intervalMs: 100.5, timeoutMs: 100.5 })).toMatchObject({
    intervalMs: 100.5,
    timeoutMs: 100.5,
  })
})
