import { describe, expect, test } from 'vitest'
import type { Observation, RegistryDriver } from '@sd/core/driver'
import type { CallContext } from '../../src/driver/call-context.ts'
import { attach } from '../../src/watch/attach.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure } from '../scripted-backend.ts'

const callTimeoutMs = 300
const limitMs = 2 * callTimeoutMs
const alive: Observation = { type: 'alive' }

/** One attachment to what `observe` returns. */
const attached = (
  observe: (signal: AbortSignal) => AsyncIterable<Observation>,
  signals: readonly AbortSignal[] = [],
) => {
  const clock = new ManualClock()
  const bed = { clock, progress: (): void => {}, signal: undefined as AbortSignal | undefined }
  const driver = {
    observe: (_: unknown, _cursor: unknown, signal: AbortSignal, progress: () => void) => {
      Object.assign(bed, { progress, signal })
      return observe(signal)
    },
  } as unknown as RegistryDriver
  const context = {
    backend: 'scripted',
    clock,
    callTimeoutMs,
    driver,
  } as Partial<CallContext> as CallContext
  const observations = attach(context, { service: 'a' }, undefined, signals)
  return Object.assign(bed, { observations })
}

/** An iterable with only the methods that the interface demands. */
const bare = (next: () => Promise<IteratorResult<Observation>>): AsyncIterable<Observation> => ({
  [Symbol.asyncIterator]: () => ({ next }),
})

const never = new Promise<never>(() => {})

const endingOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

describe('an attachment', () => {
  test('times out when nothing arrives, counted from the last progress', async () => {
    const bed = attached(() => bare(() => never))
    const first = endingOf(bed.observations.next())
    await bed.clock.advance(limitMs - 1)
    bed.progress()
    await bed.clock.advance(limitMs - 1)
    expect(bed.signal?.aborted).toBe(false)
    await bed.clock.advance(1)
    expect(await first).toContain(`[timeout] watch: no answer within ${limitMs} ms`)
    expect(bed.clock.pending).toBe(0)
  })

  test('has no deadline after its first observation, whatever progress is reported', async () => {
    let sent = 0
    const bed = attached(() =>
      bare(() => ((sent += 1) === 1 ? Promise.resolve({ done: false, value: alive }) : never)),
    )
    expect(await bed.observations.next()).toEqual({ done: false, value: alive })
    const second = endingOf(bed.observations.next())
    expect(bed.clock.pending).toBe(0)
    bed.progress()
    expect(bed.clock.pending).toBe(0)
    await bed.clock.advance(2 * limitMs)
    expect(bed.signal?.aborted).toBe(false)
    void second
  })

  test('that is left aborts its signal, and progress arms nothing any more', async () => {
    let sent = 0
    const bed = attached(() =>
      bare(() => ((sent += 1) === 1 ? Promise.resolve({ done: false, value: alive }) : never)),
    )
    await bed.observations.next()
    await bed.observations.return()
    expect(bed.signal?.reason).toMatchObject({ code: 'closed', operation: 'watch' })
    bed.progress()
    expect(bed.clock.pending).toBe(0)
  })

  test('throws the reason of its signal, and progress arms nothing any more', async () => {
    const stop = new AbortController()
    const bed = attached(() => bare(() => never), [stop.signal])
    const first = endingOf(bed.observations.next())
    await bed.clock.advance(1)
    stop.abort(new Error('enough'))
    bed.progress()
    expect(bed.clock.pending).toBe(0)
    expect(await first).toBe('enough')
    expect(bed.clock.pending).toBe(0)
  })

  test('throws the reason of a signal that is aborted already', async () => {
    const bed = attached(() => bare(() => never), [AbortSignal.abort(new Error('enough'))])
    expect(await endingOf(bed.observations.next())).toBe('enough')
    expect(bed.clock.pending).toBe(0)
  })

  test('throws what the driver throws at once, and leaves no watchdog', async () => {
    const bed = attached(() => {
      throw failure('permission-denied')
    })
    expect(await endingOf(bed.observations.next())).toContain('[permission-denied]')
    expect(bed.clock.pending).toBe(0)
  })

  test('ends with the driver', async () => {
    const bed = attached(() => bare(() => Promise.resolve({ done: true, value: undefined })))
    expect(await bed.observations.next()).toEqual({ done: true, value: undefined })
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('late'))],
    ['returns nothing', () => undefined],
    ['hangs', () => never],
  ])('is left at once where the driver’s return %s', async (_, leave) => {
    let left = 0
    const bed = attached(() => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: alive }),
        return: () => {
          left += 1
          return leave() as Promise<IteratorResult<Observation>>
        },
      }),
    }))
    await bed.observations.next()
    expect(await bed.observations.return()).toEqual({ done: true, value: undefined })
    expect(left).toBe(1)
  })
})
