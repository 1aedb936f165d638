import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { RegistryError } from '@sd/core'
import type { CallContext } from '../../src/driver/call-context.ts'
import { Availability } from '../../src/runtime/availability.ts'
import { SessionKeeper } from '../../src/session/session-keeper.ts'
import type { OpenSession } from '../../src/session/open-session.ts'
import { ManualClock } from '../manual-clock.ts'
import { failure, ScriptedBackend } from '../scripted-backend.ts'

const ttlMs = 1_000
const reason = failure('closed')

/** A keeper over a scripted backend; every retry waits half of its bound. */
const createKeeper = () => {
  const clock = new ManualClock()
  const backend = new ScriptedBackend(clock)
  const stop = new AbortController()
  const published: string[] = []
  const publish: CallContext['publish'] = (_topic, level, event, _message, details = {}) => {
    const { session } = details as { readonly session?: string }
    published.push(`${level} ${event}${session === undefined ? '' : ` ${session}`}`)
  }
  const availability = new Availability({
    backend: 'scripted',
    servers: undefined,
    clock,
    ttlMs,
    publish: () => {},
  })
  const context: CallContext = {
    driver: backend.driver(),
    backend: 'scripted',
    clock,
    random: { next: () => 0.5, id: (length) => 'x'.repeat(length) },
    ttlMs,
    callTimeoutMs: 300,
    backoff: { minMs: 50, maxMs: 400 },
    publish,
    availability,
  }
  const told: string[] = []
  const tell =
    (event: string) =>
    (detail?: RegistryError | string): void =>
      void told.push(
        detail === undefined
          ? event
          : `${event} ${detail instanceof RegistryError ? detail.code : detail}`,
      )
  const keeper = new SessionKeeper(
    context,
    {
      opened: tell('opened'),
      lost: tell('lost'),
      partLost: tell('partLost'),
      recovered: tell('recovered'),
      troubled: tell('troubled'),
      refused: tell('refused'),
      closed: tell('closed'),
    },
    stop.signal,
  )
  const open = async (): Promise<OpenSession> => {
    await keeper.open()
    const { latest } = keeper
    if (latest === undefined) throw new Error('no session was opened')
    return latest
  }
  return {
    clock,
    backend,
    stop,
    availability,
    keeper,
    open,
    told: () => told.splice(0),
    published: () => published.splice(0),
  }
}

const failOn = (
  backend: ScriptedBackend,
  operation: string,
  error: Error = failure('unavailable', operation),
): void => {
  backend.before = (call) => {
    if (call.operation === operation) throw error
  }
}

describe('a session keeper', () => {
  test('opens a session, which is live and beats', async () => {
    const { clock, backend, keeper, open, told, published } = createKeeper()
    expect(keeper.state).toEqual({ name: 'idle' })
    expect(keeper.latest).toBeUndefined()
    const session = await open()
    expect(keeper.state).toEqual({ name: 'live', session })
    expect(told()).toEqual(['opened'])
    expect(published()).toEqual(['debug session-opening', 'debug session-live session-1'])
    expect(session.id).toBe('session-1')
    expect(session.grantedTtlMs).toBe(ttlMs)
    expect(session.renewedAtMs).toBe(1_000_000)
    expect(session.auditDueMs).toBeCloseTo(800)
    session.repeatAudit()
    expect(session.auditDueMs).toBe(250)
    await clock.advance(500)
    expect(backend.count('renew')).toBe(2)
    expect(session.renewedAtMs).toBe(1_000_500)
    expect(told()).toEqual([])
  })

  test('waits after a failure, and does nothing before that', async () => {
    const { clock, backend, keeper, told, published } = createKeeper()
    failOn(backend, 'open-session')
    await keeper.open()
    expect(keeper.state).toMatchObject({
      name: 'waiting',
      untilMs: 25,
      cause: { code: 'unavailable' },
    })
    expect(keeper.openDueMs).toBe(25)
    expect(told()).toEqual(['refused unavailable', 'troubled unavailable'])
    expect(published()).toEqual(['debug session-opening', 'debug session-waiting'])
    await clock.advance(24)
    await keeper.open()
    expect(backend.count('open-session')).toBe(1)
    await clock.advance(1)
    await keeper.open()
    expect(backend.count('open-session')).toBe(2)
    expect(keeper.openDueMs).toBe(75)
    backend.before = () => {}
    await clock.advance(50)
    await keeper.open()
    expect(keeper.state.name).toBe('live')
    expect(keeper.openDueMs).toBe(0)
  })

  test('takes what is no error of a registry for an internal one of the call', async () => {
    const { clock, backend, availability, keeper, open } = createKeeper()
    const internal = {
      code: 'internal',
      backend: 'scripted',
      message: expect.stringContaining('x'),
    }
    failOn(backend, 'open-session', new Error('x'))
    await keeper.open()
    expect(keeper.state).toMatchObject({ cause: { ...internal, operation: 'open-session' } })
    await clock.advance(25)
    backend.before = () => {}
    const session = await open()
    failOn(backend, 'open-session', new Error('x'))
    await keeper.rotate(session)
    expect(availability.cause).toMatchObject({ ...internal, operation: 'rotate-session' })
    backend.lose(session.id, new Error('x'))
    expect(session.cause).toMatchObject({ ...internal, operation: 'renew' })
  })

  test('opens another session at once only if the last one was open for the longest delay', async () => {
    for (const [openMs, delayMs] of [
      [399, 50],
      [400, 0],
    ] as const) {
      const { clock, backend, keeper, open } = createKeeper()
      failOn(backend, 'open-session')
      await keeper.open()
      await clock.advance(25)
      backend.before = () => {}
      await open()
      await clock.advance(openMs)
      backend.lose('session-2')
      expect(keeper.openDueMs - clock.monotonicMs()).toBe(delayMs)
    }
  })

  test('tells nothing of an opening that its signal ended', async () => {
    const { clock, backend, stop, keeper, told } = createKeeper()
    backend.before = () => new Promise<void>(() => {})
    const opening = keeper.open()
    await clock.advance(10)
    stop.abort(reason)
    await opening
    expect(told()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('tells of a loss once, retires the session, and opens another at once the first time', async () => {
    const { clock, backend, keeper, open, told, published } = createKeeper()
    const session = await open()
    await clock.advance(500)
    told()
    published()
    backend.lose('session-1')
    expect(told()).toEqual(['lost session-lost', 'troubled session-lost'])
    expect(published()).toEqual(['debug session-waiting'])
    expect(session.cause?.code).toBe('session-lost')
    expect(session.toldLost).toBe(true)
    expect(session.signal.aborted).toBe(true)
    expect(keeper.retired.size).toBe(1)
    expect(keeper.openDueMs).toBe(500)
    const beats = backend.count('renew')
    session.lose(failure('session-lost'))
    await clock.advance(500)
    expect(told()).toEqual([])
    expect(backend.count('renew')).toBe(beats)
    await keeper.open()
    expect(keeper.latest?.id).toBe('session-2')
  })

  test('takes a session for lost that was lost as it opened', async () => {
    const { backend, keeper, told } = createKeeper()
    backend.losesAtOnce = true
    await keeper.open()
    expect(told()).toEqual(['opened', 'lost session-lost', 'troubled session-lost'])
    expect(keeper.state.name).toBe('waiting')
    expect(keeper.retired.size).toBe(1)
  })

  test('has an outage when a beat fails again, and not when one does', async () => {
    const { clock, backend, availability, open } = createKeeper()
    await open()
    let failures = 1
    backend.before = () => {
      failures -= 1
      if (failures >= 0) throw failure('unavailable')
    }
    await clock.advance(250)
    expect(availability.state).toBe('answering')
    await clock.advance(50)
    failures = 2
    await clock.advance(300)
    expect(availability.state).toBe('answering')
    failures = 3
    const states = new Set<string>()
    for (let step = 0; step < 300; step += 1) {
      await clock.advance(1)
      states.add(availability.state)
    }
    expect([...states]).toEqual(['answering', 'unreachable'])
    expect(availability.state).toBe('answering')
  })

  test('tells of beats that fail, and of the first that is answered again', async () => {
    const { clock, backend, open, told } = createKeeper()
    const session = await open()
    told()
    failOn(backend, 'renew')
    await clock.advance(255)
    expect(new Set(told())).toEqual(new Set(['troubled unavailable']))
    expect(session.trouble?.code).toBe('unavailable')
    backend.before = () => {}
    await clock.advance(400)
    expect(told()).toEqual(['recovered'])
    expect(session.trouble).toBeUndefined()
  })

  test('rotates: the old session is retired, and its loss told no more', async () => {
    const { clock, backend, keeper, open, told, published } = createKeeper()
    const first = await open()
    told()
    published()
    await keeper.rotate(first)
    expect(keeper.latest?.id).toBe('session-2')
    expect(keeper.retired.size).toBe(1)
    expect(told()).toEqual(['opened'])
    expect(published()).toEqual(['debug session-live session-2'])
    failOn(backend, 'renew', failure('session-lost', 'renew'))
    first.lose(failure('session-lost'))
    expect(told()).toEqual([])
    expect(keeper.state.name).toBe('live')
    await clock.advance(0)
  })

  test('takes the beats and the parts of the live session only for its own', async () => {
    const { clock, backend, availability, keeper, open, told } = createKeeper()
    backend.hasParts = true
    const first = await open()
    await keeper.rotate(first)
    told()
    backend.losePart('session-1', [])
    expect(told()).toEqual([])
    backend.losePart('session-2', [])
    expect(told()).toEqual(['partLost'])
    const failBeatsOf = (failing: string): void => {
      backend.before = ({ operation, session }) => {
        if (operation === 'renew' && session === failing) throw failure('unavailable')
      }
    }
    failBeatsOf('session-1')
    await clock.advance(600)
    expect(told()).toEqual([])
    expect(availability.state).toBe('answering')
    failBeatsOf('session-2')
    await clock.advance(600)
    expect(new Set(told())).toEqual(new Set(['troubled unavailable']))
    expect(availability.state).toBe('unreachable')
  })

  test('plans each rotation anew, later than the last one unless all was well meanwhile', async () => {
    const { clock, keeper, open, backend } = createKeeper()
    await keeper.rotate(await open())
    expect(keeper.planRotation()).toBe(0)
    await clock.advance(10)
    await keeper.rotate(await open())
    const second = keeper.planRotation()
    expect(second).toBe(60)
    backend.lose(keeper.latest?.id ?? '')
    await clock.advance(200)
    await open()
    expect(keeper.planRotation()).toBeGreaterThan(clock.monotonicMs())
    keeper.cancelRotation()
    await clock.advance(1_000)
    expect(keeper.planRotation()).toBe(clock.monotonicMs())
  })

  test('plans a rotation once, cancels it, and plans again after a failed one', async () => {
    const { clock, backend, keeper, open, told } = createKeeper()
    const session = await open()
    const first = keeper.planRotation()
    await clock.advance(1)
    expect(keeper.planRotation()).toBe(first)
    keeper.cancelRotation()
    expect(keeper.planRotation()).toBeGreaterThanOrEqual(1)
    told()
    failOn(backend, 'open-session')
    await keeper.rotate(session)
    expect(told()).toEqual(['troubled unavailable'])
    expect(keeper.state).toEqual({ name: 'live', session })
    expect(keeper.retired.size).toBe(0)
    expect(keeper.planRotation()).toBeGreaterThan(clock.monotonicMs())
    failOn(backend, 'open-session', failure('permission-denied'))
    await keeper.rotate(session)
    expect(keeper.planRotation() - clock.monotonicMs()).toBe(350)
  })

  test('tells nothing of a rotation that its signal ended', async () => {
    const { clock, backend, stop, keeper, open, told } = createKeeper()
    const session = await open()
    told()
    backend.before = ({ operation }) =>
      operation === 'open-session' ? new Promise<void>(() => {}) : undefined
    const rotating = keeper.rotate(session)
    await clock.advance(10)
    stop.abort(reason)
    await rotating
    expect(told()).toEqual([])
  })

  test('stops and retires the live session, and only that', async () => {
    const { clock, backend, keeper, open, told } = createKeeper()
    keeper.retire(reason)
    expect(keeper.retired.size).toBe(0)
    const session = await open()
    keeper.retire(reason)
    keeper.retire(reason)
    expect(keeper.retired.size).toBe(1)
    expect(session.signal.reason).toBe(reason)
    expect(session.cause).toBeUndefined()
    told()
    session.lose(failure('session-lost'))
    expect(session.cause).toBeUndefined()
    expect(told()).toEqual([])
    await clock.advance(ttlMs)
    expect(backend.count('renew')).toBe(0)
    keeper.closed()
    expect(keeper.state).toEqual({ name: 'closed' })
  })

  test('without need releases what is retired, and is idle unless it is live', async () => {
    const { clock, backend, keeper, open, told, published } = createKeeper()
    const first = await open()
    await keeper.rotate(first)
    keeper.unneeded()
    expect(keeper.state.name).toBe('live')
    await clock.advance(1)
    expect([...backend.sessions]).toEqual(['session-2'])
    expect(told()).toContain('closed session-1')
    backend.lose('session-2')
    keeper.unneeded()
    expect(keeper.state).toEqual({ name: 'idle' })
    published()
    keeper.unneeded()
    await clock.advance(1)
    expect(published()).toEqual(['debug session-closed session-2'])
  })

  test('closes a session that opens after the deadline', async () => {
    const { clock, backend, keeper } = createKeeper()
    let answer = (): void => {}
    backend.before = ({ operation }) =>
      operation === 'open-session'
        ? new Promise<void>((resolve) => {
            answer = resolve
          })
        : undefined
    const opening = keeper.open()
    await clock.advance(300)
    await opening
    expect(keeper.state).toMatchObject({
      name: 'waiting',
      cause: { code: 'timeout', backend: 'scripted', operation: 'open-session' },
    })
    answer()
    await clock.advance(1)
    expect(backend.count('close-session')).toBe(1)
    expect(backend.sessions.size).toBe(0)
  })
})

describe('retired sessions', () => {
  /** A keeper whose first session is retired and whose second is live. */
  const rotated = async () => {
    const bed = createKeeper()
    const first = await bed.open()
    await bed.keeper.rotate(first)
    bed.told()
    bed.published()
    return { ...bed, first, retired: bed.keeper.retired }
  }

  test('wait until they are released, and are closed once', async () => {
    const { clock, backend, retired, first, told, published } = await rotated()
    retired.add(first)
    expect(retired.size).toBe(1)
    expect(retired.nextDueMs).toBe(Number.POSITIVE_INFINITY)
    retired.releaseDropped()
    await clock.advance(3 * ttlMs)
    expect(backend.count('close-session')).toBe(0)
    retired.release()
    retired.add(first)
    expect(retired.size).toBe(1)
    expect(first.signal.reason).toMatchObject({
      code: 'closed',
      backend: 'scripted',
      operation: 'close-session',
      message: '[closed] close-session: the session was replaced',
    })
    await clock.advance(1)
    expect(retired.size).toBe(0)
    expect(backend.count('close-session')).toBe(1)
    expect(told()).toEqual(['closed session-1'])
    expect(published()).toEqual(['debug session-closed session-1'])
  })

  test('are closed again and again, with growing pauses, until that is acknowledged', async () => {
    const { clock, backend, retired, told, published } = await rotated()
    failOn(backend, 'close-session')
    retired.release()
    await clock.advance(1_000)
    const atMs = backend.calls.flatMap((call) =>
      call.operation === 'close-session' ? [call.atMs] : [],
    )
    expect(atMs.slice(0, 6)).toEqual([0, 25, 75, 175, 375, 575])
    expect(told()).toEqual([])
    expect(published()[0]).toBe('debug session-close-failed session-1')
    backend.before = () => {}
    await clock.advance(400)
    expect(told()).toEqual(['closed session-1'])
    expect(retired.size).toBe(0)
  })

  test('that the backend ended are closed after two ttls, or at once when nothing was written', async () => {
    for (const written of [true, false]) {
      const { clock, backend, keeper, open } = createKeeper()
      const session = await open()
      await clock.advance(100)
      if (written) session.noteWritten()
      expect(session.mayHoldRecords).toBe(written)
      backend.lose('session-1')
      const dueMs = written ? 2_100 : 100
      expect(keeper.retired.nextDueMs).toBe(dueMs)
      await clock.advance(dueMs - 101 + (written ? 0 : 1))
      keeper.retired.releaseDropped()
      expect(backend.count('close-session')).toBe(written ? 0 : 1)
      await clock.advance(1)
      keeper.retired.releaseDropped()
      expect(backend.count('close-session')).toBe(1)
    }
  })

  test('wait from their retirement on, also when they are retired again', async () => {
    const { clock, backend, keeper, open } = createKeeper()
    const session = await open()
    session.noteWritten()
    backend.lose('session-1')
    await clock.advance(50)
    keeper.retired.add(session)
    expect(keeper.retired.nextDueMs).toBe(2 * ttlMs)
  })

  test('are all closed at the end, without the pause of an earlier failure', async () => {
    const { clock, backend, keeper, retired } = await rotated()
    failOn(backend, 'close-session')
    retired.release()
    await clock.advance(600)
    keeper.retire(reason)
    backend.before = () => {}
    const { signal } = new AbortController()
    const closing = retired.closeAll(signal, async () => {})
    await clock.advance(1)
    await closing
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(backend.sessions.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('are given up when the end is aborted, also before it begins', async () => {
    for (const early of [true, false]) {
      const { clock, backend, retired, published } = await rotated()
      backend.before = () => new Promise<void>(() => {})
      const abort = new AbortController()
      if (early) abort.abort(failure('timeout'))
      const closing = retired.closeAll(abort.signal, async () => {})
      await clock.advance(10)
      abort.abort(failure('timeout'))
      await closing
      expect(retired.size).toBe(0)
      expect(published()).toEqual([])
      expect(backend.count('close-session')).toBe(1)
    }
  })

  test('whose end is refused are handed over at the end, and repeated before it', async () => {
    const { clock, backend, retired, told } = await rotated()
    failOn(backend, 'close-session', failure('permission-denied', 'close-session'))
    retired.release()
    await clock.advance(1_000)
    const tries = backend.count('close-session')
    expect(tries).toBeGreaterThan(2)
    const refused: string[] = []
    const closing = retired.closeAll(new AbortController().signal, async ({ id }) => {
      refused.push(id)
    })
    await clock.advance(400)
    await closing
    expect(refused).toEqual(['session-1'])
    expect(backend.count('close-session')).toBe(tries + 1)
    expect(told()).toEqual([])
    expect(retired.size).toBe(0)
  })
})
