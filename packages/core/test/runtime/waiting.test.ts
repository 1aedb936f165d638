import { describe, expect, test, vi } from 'vitest'
import { Channel, sleep, withDeadline } from '@sd/core/driver'
import { abortable } from '../../src/runtime/abort.ts'
import { ConflatedValue } from '../../src/runtime/conflated-value.ts'
import { createPublish } from '../../src/runtime/diagnostics.ts'
import { Waiters } from '../../src/runtime/waiters.ts'
import { ManualClock } from '../manual-clock.ts'

const done = { done: true, value: undefined }
const turn = (): Promise<void> => new Promise(setImmediate)

describe('a channel', () => {
  test('delivers everything in order, then the failure once, then ends', async () => {
    const channel = new Channel<number>()
    channel.push(1)
    channel.push(2)
    const error = new Error('cut')
    channel.fail(error)
    channel.push(3)
    channel.fail(new Error('later'))
    expect(await channel.next()).toEqual({ done: false, value: 1 })
    expect(await channel.next()).toEqual({ done: false, value: 2 })
    await expect(channel.next()).rejects.toBe(error)
    expect(await channel.next()).toEqual(done)
  })

  test('wakes a reader that waits', async () => {
    const channel = new Channel<number>()
    const next = channel.next()
    await turn()
    channel.push(1)
    expect(await next).toEqual({ done: false, value: 1 })
    const failing = channel.next()
    await turn()
    channel.fail(new Error('cut'))
    await expect(failing).rejects.toThrow('cut')
  })

  test('drops what is queued when it is aborted', async () => {
    const channel = new Channel<number>()
    channel.push(1)
    channel.abort(new Error('gone'))
    await expect(channel.next()).rejects.toThrow('gone')
    expect(await channel.next()).toEqual(done)
  })

  test('releases its source once when the reader leaves, and drops what is queued', async () => {
    let released = 0
    const channel = new Channel<number>(() => {
      released += 1
    })
    channel.push(1)
    expect(await channel.return()).toEqual(done)
    expect(await channel.return()).toEqual(done)
    expect(released).toBe(1)
    expect(await channel.next()).toEqual(done)
    channel.push(2)
    expect(await channel.next()).toEqual(done)
  })

  test('releases nothing when its source has ended already', async () => {
    let released = 0
    const channel = new Channel<number>(() => {
      released += 1
    })
    channel.fail(new Error('cut'))
    await channel.return()
    expect(released).toBe(0)
  })

  test('ends a reader that waits as another one leaves', async () => {
    const channel = new Channel<number>()
    const next = channel.next()
    await turn()
    await channel.return()
    expect(await next).toEqual(done)
    expect(channel[Symbol.asyncIterator]()).toBe(channel)
  })
})

/** A signal, with how many listeners it has. */
const counted = (): {
  readonly abort: (reason?: unknown) => void
  readonly signal: AbortSignal
  readonly listeners: () => number
} => {
  const controller = new AbortController()
  const { signal } = controller
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  return {
    abort: (reason) => controller.abort(reason),
    signal,
    listeners: () => added.mock.calls.length - removed.mock.calls.length,
  }
}

describe('sleep', () => {
  test('ends on time, and leaves no listener', async () => {
    const clock = new ManualClock()
    const { signal, listeners } = counted()
    const sleeping = sleep(clock, 10, signal)
    expect(clock.pending).toBe(1)
    await clock.advance(10)
    await sleeping
    expect(listeners()).toBe(0)
    const none = sleep(clock, -5, signal)
    await clock.advance(0)
    await none
  })

  test('ends with the signal, and leaves no timer', async () => {
    const clock = new ManualClock()
    const { signal, abort } = counted()
    const sleeping = sleep(clock, 10, signal)
    abort('enough')
    await expect(sleeping).rejects.toBe('enough')
    expect(clock.pending).toBe(0)
    await expect(sleep(clock, 10, signal)).rejects.toBe('enough')
    expect(clock.pending).toBe(0)
  })
})

describe('abortable', () => {
  test('settles as the work does, and leaves no listener', async () => {
    const { signal, listeners } = counted()
    expect(await abortable(Promise.resolve(7), signal)).toBe(7)
    await expect(abortable(Promise.reject(new Error('no')), signal)).rejects.toThrow('no')
    await turn()
    expect(listeners()).toBe(0)
  })

  test('rejects with the reason, whatever becomes of the work', async () => {
    const { signal, abort } = counted()
    const { promise, reject } = Promise.withResolvers<void>()
    const waiting = abortable(promise, signal)
    abort('enough')
    await expect(waiting).rejects.toBe('enough')
    reject(new Error('late'))
    await expect(abortable(Promise.reject(new Error('later')), signal)).rejects.toBe('enough')
    await turn()
  })
})

describe('withDeadline', () => {
  const subject = { backend: 'b', operation: 'list', service: 's' }

  test('leaves neither timer nor listener', async () => {
    const clock = new ManualClock()
    const { signal, listeners } = counted()
    expect(await withDeadline(clock, 10, signal, subject, async () => 7)).toBe(7)
    expect(clock.pending).toBe(0)
    expect(listeners()).toBe(0)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('leaves neither timer nor listener when the work %s', async (_, work) => {
    const clock = new ManualClock()
    const { signal, listeners } = counted()
    await expect(withDeadline(clock, 10, signal, subject, work)).rejects.toThrow('no')
    expect(clock.pending).toBe(0)
    expect(listeners()).toBe(0)
  })

  test('ends work that ignores its signal, naming the call', async () => {
    const clock = new ManualClock()
    let seen: AbortSignal | undefined
    const working = withDeadline(clock, 10.4, new AbortController().signal, subject, (signal) => {
      seen = signal
      return new Promise(() => {})
    })
    const failed = working.catch((error: unknown) => error)
    await clock.advance(11)
    expect(await failed).toMatchObject({
      code: 'timeout',
      ...subject,
      message:
        '[timeout] list s: no answer within 10 ms; the backend is unreachable, frozen or slow',
    })
    expect(seen?.aborted).toBe(true)
  })

  test('tells what is known of the servers, and not that none answered', async () => {
    const clock = new ManualClock()
    let seen: string | undefined
    const told = { ...subject, lastSeen: () => seen }
    const working = withDeadline(clock, 10, new AbortController().signal, told, async () => {
      seen = 'h1:2379 refuses connections'
      await new Promise(() => {})
    })
    const failed = working.catch((error: unknown) => error)
    await clock.advance(11)
    expect(await failed).toMatchObject({
      code: 'timeout',
      message: '[timeout] list s: not done within 10 ms; h1:2379 refuses connections',
    })
  })

  test('begins anew with each progress, but not once it is over', async () => {
    const clock = new ManualClock()
    let go = (): void => {}
    const { promise, resolve } = Promise.withResolvers<number>()
    const working = withDeadline(
      clock,
      10,
      new AbortController().signal,
      subject,
      (_, progress) => {
        go = progress
        return promise
      },
    )
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(9)
      go()
      expect(clock.pending).toBe(1)
    }
    resolve(7)
    expect(await working).toBe(7)
    go()
    expect(clock.pending).toBe(0)
  })

  test('ends with the outer signal, and does no work under an aborted one', async () => {
    const clock = new ManualClock()
    const { signal, abort } = counted()
    let inner: AbortSignal | undefined
    const working = withDeadline(clock, 10, signal, subject, (given) => {
      inner = given
      return new Promise(() => {})
    })
    abort('enough')
    await expect(working).rejects.toBe('enough')
    expect(inner?.reason).toBe('enough')
    let worked = false
    const late = withDeadline(clock, 10, signal, subject, async () => {
      worked = true
    })
    await expect(late).rejects.toBe('enough')
    expect(worked).toBe(false)
    expect(clock.pending).toBe(0)
  })
})

describe('waiters', () => {
  test('are answered in order, by tag, or fail', async () => {
    const waiters = new Waiters<string, number>()
    const [a, b, c, d] = [1, 2, 3, 4].map((tag) => waiters.wait(tag))
    expect(waiters.size).toBe(4)
    waiters.answerFirst('first')
    expect(await a).toBe('first')
    waiters.answerAll('third', (tag) => tag === 3)
    expect(await c).toBe('third')
    waiters.failFirst(new Error('no'))
    await expect(b).rejects.toThrow('no')
    expect(waiters.size).toBe(1)
    waiters.failAll(new Error('end'))
    await expect(d).rejects.toThrow('end')
    expect(waiters.size).toBe(0)
    waiters.answerFirst('nobody')
    waiters.failFirst(new Error('nobody'))
    const last = waiters.wait(5)
    waiters.answerAll('all')
    expect(await last).toBe('all')
  })

  test('leave with their signal, and leave no listener', async () => {
    const waiters = new Waiters<string>()
    const { signal, abort, listeners } = counted()
    const answered = waiters.wait(undefined, signal)
    waiters.answerFirst('x')
    expect(await answered).toBe('x')
    expect(listeners()).toBe(0)
    const leaving = waiters.wait(undefined, signal)
    abort('enough')
    await expect(leaving).rejects.toBe('enough')
    expect(waiters.size).toBe(0)
    await expect(waiters.wait(undefined, signal)).rejects.toBe('enough')
    expect(waiters.size).toBe(0)
  })
})

test('a value is not followed under an aborted signal', async () => {
  const why = new Error('enough')
  const followed = new ConflatedValue({}).follow(AbortSignal.abort(why))
  await expect(followed.next()).rejects.toBe(why)
})

test('a logger that throws or rejects stops nothing, and gets the event after its cause', async () => {
  const lines: unknown[] = []
  const rejecting: unknown = () => Promise.reject(new Error('broken'))
  const logger = {
    debug: () => {
      throw new Error('broken')
    },
    info: rejecting as () => void,
    warn: (details: object, message: string) => void lines.push(details, message),
    error: () => {},
  }
  const publish = createPublish('etcd', logger, {})
  publish('watch', 'debug', 'a', 'one')
  publish('watch', 'info', 'b', 'two')
  publish('watch', 'warn', 'c', 'three', { x: 1 })
  expect(lines).toEqual([])
  await turn()
  expect(lines).toStrictEqual([{ backend: 'etcd', event: 'c', x: 1 }, 'three'])
  createPublish('etcd', undefined, {})('watch', 'warn', 'c', 'nobody listens')
  await turn()
})
