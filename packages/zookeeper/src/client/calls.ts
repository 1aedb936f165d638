import { MalformedRecord, type RecordReader } from './codec/record-reader.ts'
import type { Request } from './codec/requests.ts'
import type { Connection } from './connection/connection.ts'
import type { WatchTable } from './connection/watch-table.ts'
import { connectionLossCode, errorCodeOf, loginRequiredCode } from './error-codes.ts'
import { Semaphore } from './semaphore.ts'
import { maxBatchesInFlight } from './zookeeper-client.ts'
import { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper-error.ts'

/**
 * Below a server's default limit (`jute.maxbuffer`, 1,048,575 bytes). Above it the server drops the
 * connection, which looks like a lost one.
 */
const maxRequestBytes = 1_000_000

/** Limits large numbers of reads with large answers, so that a heartbeat does not wait long. */
const maxReadsInFlight = 64
const maxOthersInFlight = 1_000

/** Limits how many calls of a kind are in flight: reads, reads of many nodes, and all others. */
export type CallKind = 'read' | 'batch' | 'other'

/** One request to the server, and how to read its answer. */
export interface Call<T> {
  readonly operation: string
  readonly path?: string
  readonly signal: AbortSignal
  /** Default `other`. */
  readonly kind?: CallKind
  /** Throws if the arguments are wrong. */
  readonly request: () => Request
  readonly read: (answer: RecordReader) => T
  /** The result for an answer with this error; without it, the call rejects. */
  readonly unless?: { readonly code: ZooKeeperErrorCode; readonly result: T }
  /** Changes the watches of the connection when the call has succeeded. */
  readonly watch?: ((watches: WatchTable) => void) | undefined
}

/** Why no call can be made any more. */
export interface EndReason {
  readonly code: ZooKeeperErrorCode
  readonly message: string
}

/** The calls in flight on one connection. */
export class Calls {
  readonly #connection: Connection
  readonly #permits: Readonly<Record<CallKind, Semaphore>> = {
    read: new Semaphore(maxReadsInFlight),
    batch: new Semaphore(maxBatchesInFlight),
    other: new Semaphore(maxOthersInFlight),
  }
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
    const permits = this.#permits[call.kind ?? 'other']
    return new Promise<T>((resolve, reject) => {
      const waiting: { stop?: () => void } = {}
      const aborted = (): void => {
        waiting.stop?.()
        reject(signal.reason as Error)
      }
      const answered = (code: number, answer?: RecordReader): void => {
        signal.removeEventListener('abort', aborted)
        try {
          // the caller of an aborted call does not know that it has set a watch
          if (!signal.aborted) resolve(this.#result(call, code, answer))
        } catch (error) {
          if (error instanceof MalformedRecord) {
            reject(unreadable(call, error))
            throw error
          }
          reject(error)
        } finally {
          permits.release()
        }
      }
      signal.addEventListener('abort', aborted, { once: true })
      waiting.stop = permits.acquire(() => {
        if (this.#endReason()) answered(connectionLossCode)
        else this.#connection.send(request, answered)
      })
    })
  }

  #result<T>(call: Call<T>, code: number, answer: RecordReader | undefined): T {
    const { operation, path, unless, watch } = call
    const error = errorCodeOf(code)
    const isOther = code !== 0 && error === unless?.code
    if (!isOther && (code !== 0 || !answer)) {
      const ended = this.#endReason()
      const message = ended?.message ?? this.#inWords(error, code)
      throw new ZooKeeperError(ended?.code ?? error, { operation, path, message })
    }
    const result = isOther || !answer ? (unless as { result: T }).result : call.read(answer)
    watch?.(this.#connection.watches)
    return result
  }

  /** A description to add to the code. */
  #inWords(error: ZooKeeperErrorCode, code: number): string | undefined {
    if (error === 'CONNECTION_LOSS') return this.#connection.trouble
    if (code === loginRequiredCode)
      return "the server accepts only clients that log in (sessionRequireClientSASLAuth, enforce.auth.schemes); set username and password, and auth: 'sasl' for SASL"
    if (error === 'UNIMPLEMENTED')
      return 'the server does not know this operation; it needs ZooKeeper 3.6 or later'
    return error === 'SYSTEM_ERROR' ? `the server answered ${code}` : undefined
  }
}

const unreadable = ({ operation, path }: Call<unknown>, cause: MalformedRecord): ZooKeeperError =>
  new ZooKeeperError('MARSHALLING_ERROR', { operation, path, message: cause.message, cause })

/** The request. Refused before any I/O if no server would accept it. */
const checked = ({ operation, path, request }: Call<unknown>): Request => {
  let made: Request
  try {
    made = request()
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new ZooKeeperError('BAD_ARGUMENTS', { operation, path, message, cause })
  }
  const bytes = made.payloadBytes
  if (bytes > maxRequestBytes) {
    const message = `the request has ${bytes} bytes; expected at most ${maxRequestBytes}, as a server hangs up on a request above its jute.maxbuffer (1,048,575 bytes by default)`
    throw new ZooKeeperError('TOO_LARGE', { operation, path, message })
  }
  return made
}
