import type { Connection } from './connection.ts'
import { connectionLossCode, errorCodeOf } from './error-codes.ts'
import { Semaphore } from './guards/semaphore.ts'
import type { WatchKind } from './guards/watch-table.ts'
import type { LibraryRequest } from './library.ts'
import type { NodeListener } from './zookeeper-client.ts'
import { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper-error.ts'

/**
 * Below a server's default limit (`jute.maxbuffer`, 1,048,575 bytes). Above it the server drops the
 * connection, which looks like a lost one.
 */
const maxRequestBytes = 1_000_000

/** Limits large numbers of reads with large answers, so that a heartbeat does not wait long. */
const maxReadsInFlight = 64
const maxOthersInFlight = 1_000

/** One request to the server, and how to read its answer. */
export interface Call<T> {
  readonly operation: string
  readonly path?: string
  readonly signal: AbortSignal
  /** Counts as a read: the number of reads in flight is limited. */
  readonly isRead?: boolean
  /** Throws if the arguments are wrong. */
  readonly request: () => LibraryRequest
  /** Called without a payload when there is no node, for a call that `takesAbsence`. */
  readonly read: (payload: unknown) => T
  readonly takesAbsence?: boolean
  readonly watch?: { readonly kind: WatchKind; readonly listener: NodeListener } | undefined
}

/** Why no call can be made any more. */
export interface EndReason {
  readonly code: ZooKeeperErrorCode
  readonly message: string
}

/** The calls in flight on one connection. */
export class Calls {
  readonly #connection: Connection
  readonly #reads = new Semaphore(maxReadsInFlight)
  readonly #others = new Semaphore(maxOthersInFlight)
  readonly #endReason: () => EndReason | undefined

  /** `endReason` returns a value once no call can be made any more. */
  constructor(connection: Connection, endReason: () => EndReason | undefined) {
    this.#connection = connection
    this.#endReason = endReason
  }

  /** Settles as soon as the signal aborts; a later answer only gives its permit back. */
  async run<T>(call: Call<T>): Promise<T> {
    const { signal } = call
    signal.throwIfAborted()
    const request = checked(call)
    const permits = call.isRead ? this.#reads : this.#others
    return new Promise<T>((resolve, reject) => {
      const waiting: { stop?: () => void } = {}
      const aborted = (): void => {
        waiting.stop?.()
        reject(signal.reason as Error)
      }
      const answered = (code: number, payload?: unknown): void => {
        signal.removeEventListener('abort', aborted)
        try {
          // the caller of an aborted call does not know that it has set a watch
          if (!signal.aborted) resolve(this.#result(call, code, payload))
        } catch (error) {
          reject(error)
        }
        permits.release()
      }
      signal.addEventListener('abort', aborted, { once: true })
      waiting.stop = permits.acquire(() => {
        if (this.#endReason()) answered(connectionLossCode)
        else this.#connection.send(request, answered)
      })
    })
  }

  #result<T>(call: Call<T>, code: number, payload: unknown): T {
    const { operation, path, watch } = call
    const error = errorCodeOf(code)
    if (code !== 0 && !(error === 'NO_NODE' && call.takesAbsence)) {
      const ended = this.#endReason()
      const message = ended?.message ?? this.#inWords(error, code)
      throw new ZooKeeperError(ended?.code ?? error, { operation, path, message })
    }
    const result = call.read(payload)
    if (watch && path !== undefined) this.#connection.watches.add(watch.kind, path, watch.listener)
    return result
  }

  /** A description to add to the code. */
  #inWords(error: ZooKeeperErrorCode, code: number): string | undefined {
    if (error === 'CONNECTION_LOSS') return this.#connection.trouble
    return error === 'SYSTEM_ERROR' ? `the server answered ${code}` : undefined
  }
}

/** The request. Refused before any I/O if no server would accept it. */
const checked = ({ operation, path, request }: Call<unknown>): LibraryRequest => {
  let made: LibraryRequest
  try {
    made = request()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new ZooKeeperError('BAD_ARGUMENTS', { operation, path, message, cause })
  }
  const bytes = made.payload?.byteLength() ?? 0
  if (bytes > maxRequestBytes) {
    const message = `the request has ${bytes} bytes; expected at most ${maxRequestBytes}, as a server drops the connection otherwise`
    throw new ZooKeeperError('TOO_LARGE', { operation, path, message })
  }
  return made
}
