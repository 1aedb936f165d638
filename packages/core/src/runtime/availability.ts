import {
  innerCause,
  maxCauses,
  type RegistryError,
  type RegistryErrorCode,
} from '../registry-error.ts'
import type { Clock } from './clock.ts'
import type { Publish } from './diagnostics.ts'

/**
 * Whether the backend answers. `unknown`: nothing was asked yet. `answering`: nothing asked of it is
 * failing. `refused`: it answers, and denies access. `unreachable`: it does not answer, or fails.
 */
export type AvailabilityState = 'unknown' | 'answering' | 'refused' | 'unreachable'

/** The constructor parameters of `Availability`. */
export interface AvailabilityParts {
  readonly backend: string
  /** The servers' addresses, for messages. */
  readonly servers: readonly string[] | undefined
  readonly clock: Clock
  readonly ttlMs: number
  readonly publish: Publish
}

/** What one-off calls are reported under. */
const calls = {}

const messages: Readonly<Partial<Record<RegistryErrorCode, (backend: string) => string>>> = {
  unavailable: (backend) => `cannot reach ${backend}, retrying`,
  timeout: (backend) => `cannot reach ${backend}, retrying`,
  'session-lost': (backend) => `${backend} has ended the session, registering again`,
  'permission-denied': (backend) => `${backend} denies access`,
}

/** The kind of a failure, without the address or time that its message names: its innermost code. */
const kindOf = (cause: RegistryError): string => {
  let root: Error = cause
  for (let depth = 0; depth < maxCauses; depth += 1) {
    const inner = innerCause(root)
    if (!(inner instanceof Error)) break
    root = inner
  }
  return `${cause.code} ${'code' in root ? String(root.code) : ''}`
}

/**
 * Knows whether the backend answers, from what the parts of a registry report. An outage begins with
 * the first part that fails and ends when none fails any more. It is published three ways: once when
 * it begins, once for each further kind of cause, and once, with its length, when it ends.
 */
export class Availability {
  readonly #parts: AvailabilityParts
  /** The parts that fail, with their last failure. */
  readonly #failing = new Map<object, RegistryError>()
  /** The kinds of causes that this outage has had. */
  readonly #kinds = new Set<string>()
  #asked = false
  #beganAtMs = 0
  #answeredAtMs = Number.NEGATIVE_INFINITY

  constructor(parts: AvailabilityParts) {
    this.#parts = parts
  }

  get state(): AvailabilityState {
    if (this.#failing.size === 0) return this.#asked ? 'answering' : 'unknown'
    return [...this.#failing.values()].some(({ retryable }) => retryable)
      ? 'unreachable'
      : 'refused'
  }

  /** The last failure of a part that fails. */
  get cause(): RegistryError | undefined {
    return [...this.#failing.values()].at(-1)
  }

  /**
   * A request of `part` failed; without `part`, of a call that nothing repeats. Returns whether that is
   * part of an outage. It is not when the failure says nothing about the backend (a conflict, an invalid
   * argument), and when the backend denies one thing and has answered another within a ttl: then the
   * credentials are good, and may not do this.
   */
  failed(cause: RegistryError, part: object = calls): boolean {
    const now = this.#parts.clock.monotonicMs()
    const denied = cause.code === 'permission-denied'
    if (!denied && !cause.retryable) return false
    if (denied && now - this.#answeredAtMs < this.#parts.ttlMs) return false
    const begins = this.#failing.size === 0
    this.#asked = true
    // deleted first, so that the latest failure is the last one of the map
    this.#failing.delete(part)
    this.#failing.set(part, cause)
    if (begins) this.#beganAtMs = now
    const kind = kindOf(cause)
    if (this.#kinds.has(kind)) return true
    this.#kinds.add(kind)
    this.#publish('warn', begins ? 'outage-began' : 'outage-changed', this.#text(cause), { cause })
    return true
  }

  /** The backend answered a request of `part`; without `part`, of a call that nothing repeats. */
  answered(part: object = calls): void {
    this.#asked = true
    this.#answeredAtMs = this.#parts.clock.monotonicMs()
    this.#recovered(part)
  }

  /**
   * The backend answered a probe: it can be reached. That forgets a failure that nothing repeats, and
   * says nothing about what the backend denies.
   */
  reached(): void {
    if (this.#failing.get(calls)?.retryable === true) this.#recovered(calls)
  }

  #recovered(part: object): void {
    if (this.#failing.size === 0) return
    this.#failing.delete(part)
    this.#failing.delete(calls)
    if (this.#failing.size > 0) return
    this.#kinds.clear()
    const outageMs = Math.round(this.#parts.clock.monotonicMs() - this.#beganAtMs)
    const message = `${this.#parts.backend} answers again, after ${(outageMs / 1000).toFixed(1)} s`
    this.#publish('info', 'outage-ended', message, { outageMs })
  }

  /** `part` ends. Its failure stays the last that is known, until anything is answered, or a probe. */
  left(part: object): void {
    const cause = this.#failing.get(part)
    if (cause === undefined) return
    this.#failing.delete(part)
    if (this.#failing.size === 0) this.#failing.set(calls, cause)
  }

  #text(cause: RegistryError): string {
    const { backend, servers } = this.#parts
    const where = servers === undefined ? backend : `${backend} at ${servers.join(', ')}`
    const text = messages[cause.code]?.(where) ?? `${where} fails, retrying`
    return `${text}; ${cause.message}`
  }

  #publish(
    level: 'warn' | 'info',
    event: string,
    message: string,
    details: Readonly<Record<string, unknown>>,
  ): void {
    const { servers, publish } = this.#parts
    publish('outage', level, event, message, { servers, ...details })
  }
}
