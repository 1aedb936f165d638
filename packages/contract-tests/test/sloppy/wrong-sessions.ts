import {
  type DriverSession,
  type OwnedRef,
  type PutOutcome,
  type PutRequest,
  RegistryError,
  toRecordKey,
} from '@sd/core/driver'
import { setTimeout as delay } from 'node:timers/promises'
import { type Place, type Variant, wrongSession } from './variant.ts'

const written = (id: string): PutOutcome => ({
  result: 'written',
  key: toRecordKey(`orders/${id}`),
})

/** Who holds a record, as a reader sees it. */
const holderOf = async (
  { driver }: Place,
  { service, id }: { readonly service: string; readonly id: string },
  signal: AbortSignal,
): Promise<PutRequest['claim'] | undefined> => {
  const { records } = await driver.list({ service }, signal)
  return records.find(({ instance }) => instance.id === id)?.claim
}

const outranks = (one: PutRequest['claim'], other: PutRequest['claim']): boolean =>
  one.claimedAtMs > other.claimedAtMs

/** A put of one instance after another, each decided by `decide` and then written past the driver. */
const decidingPut =
  (
    session: DriverSession,
    place: Place,
    mayWrite: (request: PutRequest, holder: PutRequest['claim'] | undefined) => boolean,
  ): DriverSession['put'] =>
  (requests, signal) =>
    Promise.all(
      requests.map(async (request): Promise<PutOutcome> => {
        const holder = await holderOf(place, request.instance, signal)
        if (!mayWrite(request, holder))
          return { result: 'conflict', ...(holder === undefined ? {} : { holder }) }
        place.world.write(place.namespace, request, session.id)
        return written(request.instance.id)
      }),
    )

const rightly = (request: PutRequest, holder: PutRequest['claim'] | undefined): boolean =>
  holder === undefined ||
  holder.owner === request.claim.owner ||
  (request.mode === 'if-newer' && outranks(request.claim, holder))

const isLost = (error: unknown): boolean =>
  error instanceof RegistryError && error.code === 'session-lost'

/** Memory drivers whose sessions have one thing wrong. */
export const wrongSessions: readonly Variant[] = [
  wrongSession('renew never tells session-lost', ['T8'], (session) => ({
    renew: (signal) =>
      session.renew(signal).catch((error: unknown) => {
        if (!isLost(error)) throw error
      }),
  })),
  wrongSession('lost never aborts', ['T8'], () => ({ lost: new AbortController().signal })),
  wrongSession('renew renews nothing', ['T9'], (session) => ({
    renew: async (signal) => {
      signal.throwIfAborted()
      session.lost.throwIfAborted()
    },
  })),
  wrongSession('the granted ttl is not what the server granted', ['T9'], (session) => ({
    grantedTtlMs: session.grantedTtlMs * 10,
  })),
  wrongSession('put reads, then writes', ['T1'], (session, place) => ({
    put: decidingPut(session, place, rightly),
  })),
  wrongSession('remove reads, then removes', ['T3'], (_, place) => ({
    remove: (refs, signal) =>
      Promise.all(
        refs.map(async (ref: OwnedRef) => {
          const holder = await holderOf(place, ref, signal)
          if (holder === undefined) return { result: 'absent' }
          if (holder.owner !== ref.owner) return { result: 'not-ours' }
          await delay(1)
          place.world.delete(place.namespace, ref)
          return { result: 'removed' }
        }),
      ),
  })),
  wrongSession('remove asks nobody', ['T3', 'T4'], (_, { world, namespace }) => ({
    remove: async (refs) => {
      for (const ref of refs) world.delete(namespace, ref)
      return refs.map(() => ({ result: 'removed' }))
    },
  })),
  wrongSession('remove says so and does nothing', ['T3'], (session) => ({
    remove: async (refs, signal) => {
      const audits = await session.audit(refs, signal)
      return audits.map(({ state }) => ({
        result: state === 'missing' ? 'absent' : state === 'replaced' ? 'not-ours' : 'removed',
      }))
    },
  })),
  wrongSession('if-newer looks at no claim', ['T2'], (session, place) => ({
    put: decidingPut(session, place, ({ mode }, holder) => mode === 'if-newer' || !holder),
  })),
  wrongSession('the lower claim wins', ['T2'], (session, place) => ({
    put: decidingPut(
      session,
      place,
      ({ claim, mode }, holder) =>
        holder === undefined ||
        holder.owner === claim.owner ||
        (mode === 'if-newer' && outranks(holder, claim)),
    ),
  })),
  wrongSession('if-absent writes over others', ['T1', 'T2'], (session) => ({
    put: (requests, signal) =>
      session.put(
        requests.map((request) => ({ ...request, mode: 'if-newer' })),
        signal,
      ),
  })),
  wrongSession('an owner must outrank itself', ['T2'], (session, place) => ({
    put: decidingPut(
      session,
      place,
      (request, holder) => holder === undefined || outranks(request.claim, holder),
    ),
  })),
  wrongSession('a conflict is told as written', ['T1', 'T2', 'T4'], (session) => ({
    put: async (requests, signal) =>
      (await session.put(requests, signal)).map((outcome, index) =>
        outcome.result === 'conflict' ? written(requests[index]?.instance.id ?? '') : outcome,
      ),
  })),
  wrongSession('an update merges the metadata', ['T2'], (session, { driver }) => ({
    put: async (requests, signal) => {
      const { records } = await driver.list({ all: true }, signal)
      const merged = requests.map((request) => {
        const { service, id, metadata } = request.instance
        const before = records.find((r) => r.instance.id === id && r.instance.service === service)
        const all = { ...before?.instance.metadata, ...metadata }
        return { ...request, instance: { ...request.instance, metadata: all } }
      })
      return session.put(merged, signal)
    },
  })),
  wrongSession('one refused instance fails its batch', ['T4'], (session) => ({
    put: async (requests, signal) => {
      const outcomes = await session.put(requests, signal)
      if (requests.length === 1 || outcomes.every(({ result }) => result === 'written'))
        return outcomes
      const message = 'some were refused'
      throw new RegistryError('conflict', { backend: 'memory', operation: 'put', message })
    },
  })),
  wrongSession('outcomes come in another order', ['T4'], (session) => ({
    put: async (requests, signal) =>
      (await session.put(requests, signal)).toSorted((a, b) => a.result.localeCompare(b.result)),
  })),
  wrongSession("an earlier session keeps its owner's record", ['T5'], (session, place) => ({
    put: async (requests, signal) => {
      const { world, namespace } = place
      const before = requests.map(({ instance }) => world.sessionOf(namespace, instance))
      const holders = await Promise.all(
        requests.map(({ instance }) => holderOf(place, instance, signal)),
      )
      const outcomes = await session.put(requests, signal)
      for (const [index, request] of requests.entries())
        if (holders[index]?.owner === request.claim.owner && before[index] !== session.id)
          world.write(namespace, request, before[index])
      return outcomes
    },
  })),
  wrongSession('close does nothing', ['T5', 'T6', 'T7'], () => ({ close: async () => {} })),
  wrongSession('close removes whatever it ever wrote', ['T5', 'T6'], (session, place) => {
    const sent = new Map<string, PutRequest['instance']>()
    return {
      put: (requests, signal) => {
        for (const { instance } of requests) sent.set(instance.id, instance)
        return session.put(requests, signal)
      },
      close: async (signal) => {
        for (const instance of sent.values()) place.world.delete(place.namespace, instance)
        await session.close(signal)
      },
    }
  }),
  wrongSession('close lets later writes pass', ['T7'], (session, place) => {
    let closed = false
    const put = decidingPut(session, place, rightly)
    return {
      put: (requests, signal) => (closed ? put(requests, signal) : session.put(requests, signal)),
      close: async (signal) => {
        await session.close(signal)
        closed = true
      },
    }
  }),
  wrongSession('a write under way outlives the close', ['T7'], (session, place) => ({
    put: async (requests, signal) => {
      const outcomes = await session.put(requests, signal)
      await delay(20)
      for (const request of requests) place.world.write(place.namespace, request, session.id)
      return outcomes
    },
  })),
  wrongSession('a write of an expired session stands', ['T8'], (session, place) => {
    const put = decidingPut(session, place, rightly)
    return {
      put: (requests, signal) =>
        session.put(requests, signal).catch((error: unknown) => {
          if (isLost(error)) return put(requests, signal)
          throw error
        }),
    }
  }),
  wrongSession('an audit finds everything ours', ['T10'], () => ({
    audit: async (refs) => refs.map((ref) => ({ ...ref, state: 'ours' })),
  })),
  wrongSession('an audit reports nothing missing', ['T10'], (session) => ({
    audit: async (refs, signal) =>
      (await session.audit(refs, signal)).map((audit) =>
        audit.state === 'missing' ? { ...audit, state: 'ours' } : audit,
      ),
  })),
  wrongSession('an audit asks for the owner, not for the session', ['T10'], (session, place) => ({
    audit: async (refs, signal) => {
      const audits = await session.audit(refs, signal)
      const holders = await Promise.all(refs.map((ref) => holderOf(place, ref, signal)))
      return audits.map((audit, index) =>
        holders[index]?.owner === audit.owner ? { ...audit, state: 'ours' } : audit,
      )
    },
  })),
  wrongSession('an audit forgets what was sent without an answer', ['T10'], (session) => {
    const acknowledged = new Set<string>()
    return {
      put: async (requests, signal) => {
        const outcomes = await session.put(requests, signal)
        for (const { instance } of requests) acknowledged.add(instance.id)
        return outcomes
      },
      audit: async (refs, signal) =>
        (await session.audit(refs, signal)).map((audit) =>
          audit.state === 'ours' && !acknowledged.has(audit.id)
            ? { ...audit, state: 'edited' }
            : audit,
        ),
    }
  }),
]
