import {
  type Audit,
  auditOwned,
  type ConditionalStore,
  inParallel,
  type OwnedRef,
  putOwned,
  type PutOutcome,
  type PutRequest,
  type RecordKey,
  type RegistryError,
  removeOwned,
  type RemoveOutcome,
  removeStraysOwned,
  SentRecords,
  type WritingSession,
} from '@sd/core/driver'
import type { ZooKeeperClient } from '../client/zookeeper-client.ts'
import { backend } from '../errors.ts'
import type { Keys } from '../keys.ts'
import { conditionalStore, Mutex, type NodeStore } from './conditional-store.ts'
import { type NodeRevision, parentOf } from './existing-nodes.ts'
import { FirstCreations } from './first-creations.ts'
import type { ParentVersions } from './parent-versions.ts'
import type { SessionPart } from './session-part.ts'
import type { SessionParts } from './session-parts.ts'

/** How many stray records are read and removed at once. */
const maxStraysInBatch = 100

/** Stands for a part that has ended: what it holds is not stored for long. */
const endedPart = 'ended'

/** The dependencies of `SessionRecords`. */
export interface SessionRecordsOptions {
  /** The session's id. */
  readonly id: string
  readonly keys: Keys
  readonly parts: SessionParts
  readonly parentVersions: ParentVersions
  /** Whether a ZooKeeper session belongs to the driver. */
  readonly isOwn: (zookeeperSessionId: string) => boolean
}

/** The records of one session of core: in which of its parts each is, and every read and write of them. */
export class SessionRecords {
  readonly #keys: Keys
  readonly #parts: SessionParts
  readonly #parentVersions: ParentVersions
  /** One for all parts: two rounds on one service would outdate each other's reads. */
  readonly #mutex = new Mutex()
  readonly #firstCreations = new FirstCreations()
  readonly #self: WritingSession<NodeRevision>

  constructor({ id, keys, parts, parentVersions, isOwn }: SessionRecordsOptions) {
    this.#keys = keys
    this.#parts = parts
    this.#parentVersions = parentVersions
    this.#self = {
      backend,
      id,
      format: keys.format,
      ownSessions: { has: (other) => other === endedPart || isOwn(other) },
      sent: new SentRecords(),
    }
  }

  async put(requests: readonly PutRequest[], signal: AbortSignal): Promise<readonly PutOutcome[]> {
    const keyOf = ({ instance }: PutRequest): string => this.#keyOf(instance)
    const keys = requests.map(keyOf)
    const { placed, refusal } = await this.#parts.place(keys, signal)
    const outcomes = new Map<PutRequest, PutOutcome>()
    const groups = Map.groupBy(requests, (request) => placed.get(keyOf(request)))
    try {
      await inParallel(groups, groups.size, async ([part, group]) => {
        const results = part && (await this.#putIn(part, group, signal))
        for (const [index, request] of group.entries())
          outcomes.set(
            request,
            results?.[index] ?? { result: 'error', error: refusal as RegistryError },
          )
      })
    } finally {
      this.#forget(keys)
    }
    return requests.map((request) => outcomes.get(request) as PutOutcome)
  }

  /** The empty node above remains: if it were removed, its version would begin at 0 again. */
  async remove(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly RemoveOutcome[]> {
    const keys = refs.map((ref) => this.#keyOf(ref))
    // any session may delete a node
    const part = this.#partOf(keys[0])
    const isKnown = refs.every(({ owner }, index) => this.#isKnown(keys[index] ?? '', owner))
    try {
      return await part.run((client) => {
        const store = conditionalStore(this.#nodes(client), 'remove', isKnown, signal)
        return removeOwned(
          this.#self,
          refs,
          isKnown ? store : this.#readAfterBarrier(store, part, signal),
        )
      }, signal)
    } finally {
      this.#forget(keys)
    }
  }

  async audit(refs: readonly OwnedRef[], signal: AbortSignal): Promise<readonly Audit[]> {
    const audits = new Map<OwnedRef, Audit>()
    const groups = Map.groupBy(refs, (ref) => this.#partOf(this.#keyOf(ref)))
    await inParallel(groups, groups.size, async ([part, group]) => {
      const all = await this.#auditIn(part, group, signal)
      for (const [index, ref] of group.entries()) audits.set(ref, all[index] as Audit)
    })
    return refs.map((ref) => audits.get(ref) as Audit)
  }

  /**
   * A restored backup ties what was removed since to a ZooKeeper session that goes on, and that renews
   * it for ever.
   */
  async removeStrays(signal: AbortSignal): Promise<readonly RecordKey[]> {
    const keys = this.#keys
    const removeFrom = (part: SessionPart): Promise<readonly RecordKey[]> =>
      part.run(async (client) => {
        const paths = await client.ephemerals(`${keys.root}/`, signal)
        const tied = paths
          .map((path) => path.slice(keys.root.length + 1))
          .filter((key) => keys.serviceOf(key) !== undefined) // in this namespace
        const store = conditionalStore(this.#nodes(client), 'audit', false, signal)
        return removeStraysOwned(this.#self, tied, store, maxStraysInBatch)
      }, signal)
    return (await Promise.all(this.#parts.live.map(removeFrom))).flat()
  }

  /**
   * An earlier session may have written through a member that this part's member lags behind. The server
   * answers the reads that follow on the connection after the barrier. A write that was refused is one, too.
   */
  #readAfterBarrier(
    store: ConditionalStore<NodeRevision>,
    part: SessionPart,
    signal: AbortSignal,
  ): ConditionalStore<NodeRevision> {
    const passed = part.barrier(signal)
    passed.catch(() => {})
    const read: typeof store.read = async (recordKeys) => {
      const [found] = await Promise.all([store.read(recordKeys), passed])
      return found
    }
    return { ...store, read }
  }

  #putIn(
    part: SessionPart,
    requests: readonly PutRequest[],
    signal: AbortSignal,
  ): Promise<readonly PutOutcome[]> {
    const { sent } = this.#self
    const isKnown = requests.every(({ instance, claim }) => {
      const key = this.#keyOf(instance)
      return sent.get(key) === undefined || this.#isKnown(key, claim.owner)
    })
    return part.run(
      (client) =>
        putOwned(
          this.#self,
          requests,
          conditionalStore(this.#nodes(client), 'put', isKnown, signal),
        ),
      signal,
    )
  }

  async #auditIn(
    part: SessionPart,
    refs: readonly OwnedRef[],
    signal: AbortSignal,
  ): Promise<readonly Audit[]> {
    // another part's member may be ahead of this one's
    if (refs.some((ref) => this.#parts.placeOf(this.#keyOf(ref)) !== part))
      await part.barrier(signal)
    const audits = await part.run(
      (client) =>
        auditOwned(this.#self, refs, conditionalStore(this.#nodes(client), 'audit', false, signal)),
      signal,
    )
    for (const [index, ref] of refs.entries()) {
      const last = this.#self.sent.get(this.#keyOf(ref))
      // what is stored instead may have the version that this session wrote
      if (last !== undefined && audits[index]?.state !== 'ours') last.revision = undefined
    }
    return audits
  }

  /**
   * Whether a record is as this session last wrote or audited it, as far as it knows: nobody has created a
   * record of the service since. Programs of other fleets create theirs without that becoming visible.
   */
  #isKnown(key: string, owner: string): boolean {
    const last = this.#self.sent.get(key)
    if (last?.owner !== owner || this.#keys.format.foreignWriters === true) return false
    return this.#parentVersions.isKnown(parentOf(key), last.revision?.parent)
  }

  #keyOf(ref: { readonly service: string; readonly id: string }): string {
    return this.#self.format.key(ref, this.#self.id)
  }

  #nodes(client: ZooKeeperClient): NodeStore {
    const [mutex, firstCreations, tiedTo] = [this.#mutex, this.#firstCreations, this.#tiedTo]
    const [keys, parentVersions] = [this.#keys, this.#parentVersions]
    return { client, keys, parentVersions, mutex, firstCreations, tiedTo }
  }

  /** The live part for a key; a connected one where it is in none. */
  #partOf(key: string | undefined): SessionPart {
    const place = key === undefined ? undefined : this.#parts.placeOf(key)
    return place !== undefined && place.loss === undefined ? place : this.#parts.anyLive()
  }

  /** What `sent` does not contain is not stored in this session. */
  #forget(keys: readonly string[]): void {
    for (const key of keys) if (this.#self.sent.get(key) === undefined) this.#parts.unplace(key)
  }

  /** The id of the session whose part owns a node. */
  readonly #tiedTo = (ephemeralOwner: string): string => {
    const part = this.#parts.all.find(({ id }) => id === ephemeralOwner)
    if (part === undefined) return ephemeralOwner
    return part.loss === undefined ? this.#self.id : endedPart
  }
}
