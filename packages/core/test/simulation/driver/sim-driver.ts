import type {
  Capabilities,
  Contents,
  Cursor,
  DriverSession,
  Observation,
  RegistryDriver,
  Scope,
} from '../../../src/driver/registry-driver.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { SimLink } from '../network/sim-link.ts'
import { simError } from '../server/sim-error.ts'
import { contentsOf } from './contents.ts'
import type { DriverProfile } from './driver-profile.ts'
import { SimSession } from './sim-session.ts'
import { WatchFeed } from './watch-feed.ts'

/** A driver over the simulated server, as thin as the real ones. */
export class SimDriver implements RegistryDriver {
  readonly backend = 'sim'
  readonly capabilities: Capabilities
  readonly #client: string
  readonly #clock: VirtualClock
  readonly #link: SimLink
  readonly #profile: DriverProfile

  constructor(client: string, clock: VirtualClock, link: SimLink, profile: DriverProfile) {
    this.#client = client
    this.#clock = clock
    this.#link = link
    this.#profile = profile
    this.capabilities = {
      list: 'linearizable',
      atomicClaim: true,
      resume: true,
      deltas: !profile.snapshots,
      tls: false,
      minTtlMs: 1,
      maxBatch: profile.maxBatch,
      maxRecordBytes: 10_000,
    }
  }

  async openSession(
    options: { readonly ttlMs: number },
    signal: AbortSignal,
  ): Promise<DriverSession> {
    const lost = new AbortController()
    const onGone = (): void => {
      if (!this.#profile.pushesLoss || this.#link.mode !== 'up') return
      const error = simError('session-lost', 'session', 'the lease is gone')
      this.#link.travel(0, () => this.#link.hand(() => lost.abort(error)))
    }
    const { leases } = this.#link.server
    const { id, ttlMs } = await this.#link.call(
      'open-session',
      () => leases.grant(this.#client, options.ttlMs, onGone),
      signal,
    )
    return new SimSession(this.#client, this.#link, id, ttlMs, lost, this.#profile.mutant)
  }

  list(scope: Scope, signal: AbortSignal): Promise<Contents> {
    return this.#link.call('list', () => contentsOf(this.#link.server, scope), signal)
  }

  observe(
    scope: Scope,
    cursor: Cursor | undefined,
    signal: AbortSignal,
  ): AsyncIterable<Observation> {
    return this.#link.open(
      'watch',
      (push) =>
        new WatchFeed(this.#link.server, scope, this.#profile, push).attach(cursor, this.#clock),
      signal,
    )
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#link.call('probe', () => {}, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#link.reset()
  }
}
