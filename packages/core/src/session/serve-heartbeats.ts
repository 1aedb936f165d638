import { createDriverContext, type DriverContext } from '../driver/driver-context.ts'
import type { HeartbeatNotice, HeartbeatOrder, HeldSession } from './heartbeat-worker.ts'
import { HeartbeatTimes } from './heartbeat-times.ts'
import { standbyHeartbeat } from './standby-heartbeat.ts'

/** What a backend gives to `serveHeartbeats` for one session. */
export interface RenewableSession {
  /**
   * Renews the session once, like `DriverSession.renew`: throws `session-lost` when the backend no
   * longer knows it, and rejects with `signal.reason` when the signal aborts.
   */
  renew(signal: AbortSignal): Promise<void>
  /**
   * Whether a renewal takes the session from the connection of the event loop. None is then made
   * before the loop is blocked. Default false.
   */
  readonly takesSession?: boolean
  /** Frees what belongs to this session only. The session itself goes on. */
  release(): void
}

/** Connects to a backend, without I/O, with a clone of the `config` of `HeartbeatWorker`. */
export type ConnectHeartbeats = (
  config: unknown,
  context: DriverContext,
) => (sessionId: string, ttlMs: number, password: string | undefined) => RenewableSession

/**
 * Renews sessions in the worker thread that `HeartbeatWorker` has started, whenever the event loop is
 * blocked; the rule is that of `standbyHeartbeat`. A backend's worker module makes this call and
 * nothing else. The process's own clock and randomness apply, and events are reported by the loop.
 */
export const serveHeartbeats = async (
  backend: string,
  connect: ConnectHeartbeats,
): Promise<void> => {
  const { parentPort, workerData } = await import('node:worker_threads')
  if (parentPort === null) throw new Error('serveHeartbeats runs in a worker thread')
  const tell = (notice: HeartbeatNotice): void => parentPort.postMessage(notice)
  const context = createDriverContext({
    // an error or a format in the details may not be cloneable
    report: ({ level, event, message }) => tell({ report: { level, event, message } }),
  })
  const open = connect(workerData, context)
  const releases = new Map<string, () => void>()
  const hold = ({ id, ttlMs, password, maxBlockMs, times }: HeldSession): void => {
    const session = open(id, ttlMs, password)
    const scope = new AbortController()
    releases.set(id, () => {
      scope.abort()
      session.release()
    })
    standbyHeartbeat({
      clock: context.clock,
      random: context.random,
      subject: { backend, operation: 'renew' },
      ttlMs,
      maxBlockMs,
      times: new HeartbeatTimes(context.clock, times),
      renew: (signal) => session.renew(signal),
      takesSession: session.takesSession ?? false,
      troubled: ({ message }) =>
        context.report({
          level: 'warn',
          event: 'heartbeat-worker-troubled',
          message: `the worker thread cannot renew the session ${id}: ${message}; until it can, an event loop that is blocked for longer than the ttl loses the session`,
        }),
      signal: scope.signal,
    }).catch(() => {}) // released
  }
  parentPort.on('message', (order: HeartbeatOrder) => {
    if ('hold' in order) return hold(order.hold)
    releases.get(order.release)?.()
    releases.delete(order.release)
  })
  tell('ready')
}
