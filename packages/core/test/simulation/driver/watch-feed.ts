import type { Cursor, Observation, Scope } from '../../../src/driver/registry-driver.ts'
import { toRecordKey } from '../../../src/model/instance-record.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { Timer } from '../../../src/runtime/clock.ts'
import type { Write } from '../server/history.ts'
import { simError } from '../server/sim-error.ts'
import type { SimServer } from '../server/sim-server.ts'
import { serviceOf } from '../server/stored.ts'
import type { DriverProfile } from './driver-profile.ts'
import { contentsOf, cursorOf, namesOf } from './contents.ts'

/** The server's side of one watch: pushes every change from the moment of attaching. */
export class WatchFeed {
  readonly #server: SimServer
  readonly #scope: Scope
  readonly #profile: DriverProfile
  readonly #push: (observation: Observation) => void
  #names: readonly string[] = []

  constructor(
    server: SimServer,
    scope: Scope,
    profile: DriverProfile,
    push: (observation: Observation) => void,
  ) {
    this.#server = server
    this.#scope = scope
    this.#profile = profile
    let first = true
    this.#push = (observation) => {
      const drop = profile.mutant === 'drop-the-empty-set' && !first && this.#empties(observation)
      first = false
      if (!drop) push(observation)
    }
  }

  /** Returns a function that detaches. */
  attach(cursor: Cursor | undefined, clock: VirtualClock): () => void {
    if (cursor === undefined) this.#snapshot()
    else this.#resume(cursor)
    this.#names = namesOf(this.#server)
    const stop = this.#server.onCommit((writes) => this.#committed(writes))
    let timer: Timer | undefined
    const { aliveMs } = this.#profile
    const beat = (): void => {
      if (this.#server.answers) this.#push({ type: 'alive', cursor: cursorOf(this.#server) })
      if (aliveMs !== undefined) timer = clock.setTimer(aliveMs, beat)
    }
    if (aliveMs !== undefined) timer = clock.setTimer(aliveMs, beat)
    return () => {
      stop()
      timer?.cancel()
    }
  }

  #snapshot(): void {
    this.#push({ type: 'snapshot', ...contentsOf(this.#server, this.#scope) })
  }

  #resume(cursor: Cursor): void {
    const { history } = this.#server
    const [epoch = 0, revision = 0] = cursor.split('.').map(Number)
    const { mutant } = this.#profile
    const isOther = epoch !== history.epoch
    if (isOther && mutant === 'resume-after-wipe') {
      this.#push({ type: 'alive', cursor })
      return
    }
    const trusted = !isOther || (mutant === 'resume-after-restore' && history.isAncestor(epoch))
    const wrong = mutant === 'resume-from-wrong-revision' ? revision + 1 : revision
    const from = trusted && isOther ? Math.max(wrong, history.compacted) : wrong
    const missed = trusted ? history.since(Math.min(from, history.revision)) : undefined
    // the names at the cursor cannot be derived from the later writes
    if (missed === undefined || ('services' in this.#scope && missed.length > 0))
      throw simError('cursor-expired', 'watch', `no history since ${cursor}`)
    const relevant = missed.filter(({ key }) => this.#covers(key))
    if (relevant.length > 0) this.#changed(relevant)
    else this.#push({ type: 'alive', cursor: cursorOf(this.#server) })
  }

  #committed(writes: readonly Write[]): void {
    if ('services' in this.#scope) this.#namesChanged()
    else if (writes.some(({ key }) => this.#covers(key))) {
      if (this.#profile.snapshots) this.#snapshot()
      else this.#changed(writes.filter(({ key }) => this.#covers(key)))
    }
  }

  /** Only the last write of each key counts. */
  #changed(writes: readonly Write[]): void {
    const last = new Map(writes.map((write) => [write.key, write]))
    const removed = [...last.values()].flatMap(({ key, stored }) =>
      stored === undefined ? [toRecordKey(key)] : [],
    )
    const written = new Set(
      [...last.values()].flatMap((w) => (w.stored === undefined ? [] : w.key)),
    )
    const contents = contentsOf(this.#server, this.#scope, written)
    this.#push({ type: 'changes', removed, ...contents })
  }

  #namesChanged(): void {
    const before = this.#names
    this.#names = namesOf(this.#server)
    const removedServices = before.filter((name) => !this.#names.includes(name))
    const names = this.#names.filter((name) => !before.includes(name))
    if (names.length + removedServices.length === 0) return
    if (this.#profile.snapshots) this.#snapshot()
    else {
      const cursor = cursorOf(this.#server)
      this.#push({
        type: 'changes',
        records: [],
        skipped: [],
        removed: [],
        services: names,
        removedServices,
        cursor,
      })
    }
  }

  #covers(key: string): boolean {
    return 'service' in this.#scope ? serviceOf(key) === this.#scope.service : true
  }

  #empties(observation: Observation): boolean {
    if (observation.type === 'alive') return false
    const { records, services = [] } = contentsOf(this.#server, this.#scope)
    return records.length + services.length === 0
  }
}
