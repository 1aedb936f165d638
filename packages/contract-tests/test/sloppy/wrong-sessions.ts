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

/** The owner of a record, as a reader sees it. */
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

/**
 * A put of one instance after another: `decide` decides about each, which is then written directly.
 */
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

/** Memory drivers whose sessions have one fault. */
export const wrongSessions: readonly Variant[] = [
  wrongSession('renew never reports session-lost', ['T8'], (session) => ({
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
  wrongSession('a record that a restored backup ties to the session stays', ['T10'], () => ({
    removeStrays: async () => [],
  })),
  wrongSession(
    'the granted ttl differs from the one that the server granted',
    ['T9'],
    (session) => ({
      grantedTtlMs: session.grantedTtlMs * 10,
    }),
  ),
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
  wrongSession('remove does not check the owner', ['T3', 'T4'], (_, { world, namespace }) => ({
    remove: async (refs) => {
      for (const ref of refs) world.delete(namespace, ref)
      return refs.map(() => ({ result: 'removed' }))
    },
  })),
  wrongSession('remove reports success and does nothing', ['T3'], (session) => ({
    remove: async (refs, signal) => {
      const audits = await session.audit(refs, signal)
      return audits.map(({ state }) => ({
        result: state === 'missing' ? 'absent' : state === 'replaced' ? 'not-ours' : 'removed',
      }))
    },
  })),
  wrongSession('if-newer compares no claims', ['T2'], (session, place) => ({
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
  wrongSession('if-absent overwrites records of other owners', ['T1', 'T2'], (session) => ({
    put: (requests, signal) =>
      session.put(
        requests.map((request) => ({ ...request, mode: 'if-newer' })),
        signal,
      ),
  })),
  wrongSession('an owner needs a higher claim than its own', ['T2'], (session, place) => ({
    put: decidingPut(
      session,
      place,
      (request, holder) => holder === undefined || outranks(request.claim, holder),
    ),
  })),
  wrongSession('a conflict is reported as written', ['T1', 'T2', 'T4'], (session) => ({
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
  wrongSession('outcomes are in another order', ['T4'], (session) => ({
    put: async (requests, signal) =>
      (await session.put(requests, signal)).toSorted((a, b) => a.result.localeCompare(b.result)),
  })),
  wrongSession("a record stays tied to its owner's earlier session", ['T5'], (session, place) => ({
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
  wrongSession(
    'close removes everything that the session ever wrote',
    ['T5', 'T6'],
    (session, place) => {
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
    },
  ),
  wrongSession('writes succeed after close', ['T7'], (session, place) => {
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
  wrongSession('a pending write is stored after the close', ['T7'], (session, place) => ({
    put: async (requests, signal) => {
      const outcomes = await session.put(requests, signal)
      await delay(20)
      for (const request of requests) place.world.write(place.namespace, request, session.id)
      return outcomes
    },
  })),
  wrongSession('a write of an expired session is stored', ['T8'], (session, place) => {
    const put = decidingPut(session, place, rightly)
    return {
      put: (requests, signal) =>
        session.put(requests, signal).catch((error: unknown) => {
          if (isLost(error)) return put(requests, signal)
          throw error
        }),
    }
  }),
  wrongSession('an aborted write is stored after a later one', ['T27'], (session, place) => {
    let late: readonly PutRequest[] = []
    return {
      put: async (requests, signal) => {
        try {
          const outcomes = await session.put(requests, signal)
          for (const request of late) place.world.write(place.namespace, request, session.id)
          return outcomes
        } catch (error) {
          if (signal.aborted) late = requests
          throw error
        }
      },
    }
  }),
  wrongSession(
    'an aborted removal removes what was registered again',
    ['T27'],
    (session, place) => {
      let late: readonly OwnedRef[] = []
      return {
        put: async (requests, signal) => {
          const outcomes = await session.put(requests, signal)
          for (const ref of late) place.world.delete(place.namespace, ref)
          return outcomes
        },
        remove: async (refs, signal) => {
          try {
            return await session.remove(refs, signal)
          } catch (error) {
            if (signal.aborted) late = refs
            throw error
          }
        },
      }
    },
  ),
  wrongSession('an audit forgets an owner that has left', ['T28'], (session, { driver }) => ({
    audit: async (refs, signal) => {
      const audits = await session.audit(refs, signal)
      const { records } = await driver.list({ all: true }, signal)
      return audits.map((audit) =>
        records.some(({ instance }) => instance.id === audit.id)
          ? audit
          : { service: audit.service, id: audit.id, owner: audit.owner, state: 'missing' },
      )
    },
  })),
  wrongSession('an audit reports every record as ours', ['T10'], () => ({
    audit: async (refs) => refs.map((ref) => ({ ...ref, state: 'ours' })),
  })),
  wrongSession('an audit reports nothing missing', ['T10'], (session) => ({
    audit: async (refs, signal) =>
      (await session.audit(refs, signal)).map((audit) =>
        audit.state === 'missing' ? { ...audit, state: 'ours' } : audit,
      ),
  })),
  wrongSession('an audit compares the owner, not the session', ['T10'], (session, place) => ({
    audit: async (refs, signal) => {
      const audits = await session.audit(refs, signal)
      const holders = await Promise.all(refs.map((ref) => holderOf(place, ref, signal)))
      return audits.map((audit, index) =>
        holders[index]?.owner === audit.owner ? { ...audit, state: 'ours' } : audit,
      )
    },
  })),
  wrongSession('an audit ignores writes without an answer', ['T10'], (session) => {
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
