import {
  auditOwned,
  type ConditionalStore,
  decodeRecord,
  jsonFormat,
  putOwned,
  type PutRequest,
  RegistryError,
  removeOwned,
  removeStraysOwned,
  SentRecords,
  type WritingSession,
} from '@sd/core/driver'
import { describe, expect, test } from 'vitest'

interface Stored {
  readonly value: Uint8Array
  readonly sessionId: string
  readonly revision: number
}

/** Records in this process that record every call, with a hook before each write. */
class Records {
  readonly stored = new Map<string, Stored>()
  readonly calls: string[] = []
  beforeWrite: () => void = () => {}
  #revision = 0

  store(
    sessionId: string,
    options: { readonly readsFirst?: boolean } = {},
  ): ConditionalStore<number> {
    return {
      absent: options.readsFirst ? undefined : 0,
      read: async (keys) => {
        this.calls.push(`read ${keys.join()}`)
        return keys.map((key) => {
          const found = this.stored.get(key)
          if (found === undefined) return { existing: undefined, revision: 0 }
          const record = decodeRecord(jsonFormat, key, found.value)
          return { existing: { ...found, record }, revision: found.revision }
        })
      },
      write: async (writes) => {
        this.calls.push(`write ${writes.map(({ key }) => key).join()}`)
        this.beforeWrite()
        return writes.map(({ key, value, expected }) => {
          if ((this.stored.get(key)?.revision ?? 0) !== expected) return 'changed'
          if (value) return { revision: this.set(key, value, sessionId) }
          this.stored.delete(key)
          return { revision: undefined }
        })
      },
    }
  }

  set(key: string, value: Uint8Array, sessionId: string): number {
    const revision = ++this.#revision
    this.stored.set(key, { value, sessionId, revision })
    return revision
  }
}

const open = (id: string, ...earlier: string[]): WritingSession<number> => ({
  backend: 'test',
  id,
  format: jsonFormat,
  ownSessions: new Set([id, ...earlier]),
  sent: new SentRecords(),
})

const request = (id: string, owner = 'me', claimedAtMs = 5, weight = 100): PutRequest => ({
  instance: { service: 's', id, endpoints: [], weight, health: 'passing', tags: [], metadata: {} },
  claim: { owner, claimedAtMs, seq: 0 },
  mode: 'if-newer',
  ttlMs: 1,
  registeredAtMs: 1,
})
const ref = (id: string, owner = 'me') => ({ service: 's', id, owner })
const resultsOf = (outcomes: readonly { readonly result: string }[]) =>
  outcomes.map(({ result }) => result)

describe('putOwned', () => {
  test('writes new records, and those that it wrote itself, without reading', async () => {
    const records = new Records()
    const session = open('a')
    await putOwned(session, [request('1'), request('2')], records.store('a'))
    const outcomes = await putOwned(session, [request('1', 'me', 5, 7)], records.store('a'))
    expect(outcomes).toEqual([{ result: 'written', key: 's/1' }])
    expect(records.calls).toEqual(['write s/1,s/2', 'write s/1'])
  })

  test('reads first where the store knows no revision of an absent record', async () => {
    const records = new Records()
    await putOwned(open('a'), [request('1')], records.store('a', { readsFirst: true }))
    expect(records.calls).toEqual(['read s/1', 'write s/1'])
  })

  test('checks each unexpected record by itself, and writes the others again', async () => {
    const records = new Records()
    await putOwned(
      open('r'),
      [request('1', 'rival', 9), request('2', 'rival', 1)],
      records.store('r'),
    )
    records.calls.length = 0
    const session = open('a')
    const requests = [request('1'), request('2'), request('3')]
    const outcomes = await putOwned(session, requests, records.store('a'))
    expect(outcomes).toEqual([
      { result: 'conflict', holder: { owner: 'rival', claimedAtMs: 9, seq: 0 } },
      { result: 'written', key: 's/2' },
      { result: 'written', key: 's/3' },
    ])
    expect(records.calls).toEqual(['write s/1,s/2,s/3', 'read s/1,s/2', 'write s/2'])
    // a refused record must not count as sent
    expect(session.sent.get('s/1')).toBeUndefined()
  })

  test('is ours for the audit, whether it was read first or not', async () => {
    for (const readsFirst of [true, false]) {
      const records = new Records()
      const session = open('a')
      const store = records.store('a', { readsFirst })
      await putOwned(session, [request('1')], store)
      expect(await auditOwned(session, [ref('1')], store)).toMatchObject([{ state: 'ours' }])
      records.calls.length = 0
      await putOwned(session, [request('1', 'me', 5, 7)], store)
      expect(records.calls).toEqual([...(readsFirst ? ['read s/1'] : []), 'write s/1'])
    }
  })

  test('compares with a higher claim again after an audit has seen it', async () => {
    const records = new Records()
    const session = open('a')
    await putOwned(session, [request('1')], records.store('a'))
    await putOwned(open('r'), [request('1', 'rival', 9)], records.store('r'))
    expect(await auditOwned(session, [ref('1')], records.store('a'))).toMatchObject([
      { state: 'replaced' },
    ])
    const outcomes = await putOwned(session, [request('1', 'me', 5, 7)], records.store('a'))
    expect(resultsOf(outcomes)).toEqual(['conflict'])
  })

  test('never overwrites a record that changed after it was checked', async () => {
    const records = new Records()
    const higher = jsonFormat.encode(request('1', 'rival', 9))
    records.set('s/1', jsonFormat.encode(request('1', 'rival', 1)), 'r')
    let writes = 0
    records.beforeWrite = () => {
      // after the lower claim was read, the rival registers anew
      if (++writes === 2) records.set('s/1', higher, 'r')
    }
    const outcomes = await putOwned(open('a'), [request('1')], records.store('a'))
    expect(resultsOf(outcomes)).toEqual(['conflict'])
    expect(records.stored.get('s/1')?.value).toBe(higher)
  })

  test('gives up after a bounded number of rounds, and says that nothing was written', async () => {
    const records = new Records()
    const lower = jsonFormat.encode(request('1', 'rival', 1))
    records.beforeWrite = () => records.set('s/1', lower, 'r')
    const [outcome] = await putOwned(open('a'), [request('1')], records.store('a'))
    expect(outcome).toMatchObject({
      result: 'error',
      error: { code: 'unavailable', backend: 'test', operation: 'put', service: 's' },
    })
    expect(records.calls.filter((call) => call.startsWith('write'))).toHaveLength(9)
    expect(records.stored.get('s/1')?.value).toBe(lower)
  })

  test('returns the reason why a key cannot be written', async () => {
    const records = new Records()
    const plain = records.store('a', { readsFirst: true })
    const message = 'the node has children'
    const refusal = new RegistryError('invalid-argument', {
      backend: 'x',
      operation: 'put',
      message,
    })
    const store: ConditionalStore<number> = {
      ...plain,
      read: async (keys) => (await plain.read(keys)).map((found) => ({ ...found, refusal })),
    }
    expect(await putOwned(open('a'), [request('1')], store)).toEqual([
      { result: 'error', error: refusal },
    ])
    expect(records.stored.size).toBe(0)
  })

  test('remembers a sent record before the answer arrives, and after a failure', async () => {
    const records = new Records()
    const session = open('a')
    const lost = new Error('the answer was lost')
    const store: ConditionalStore<number> = {
      ...records.store('a'),
      write: async (writes) => {
        await records.store('a').write(writes)
        throw lost
      },
    }
    await expect(putOwned(session, [request('1')], store)).rejects.toBe(lost)
    const stored = records.store('a')
    expect(await auditOwned(session, [ref('1')], stored)).toEqual([{ ...ref('1'), state: 'ours' }])
    // the audit has learned the revision: the next write needs no read
    records.calls.length = 0
    await putOwned(session, [request('1', 'me', 5, 7)], records.store('a'))
    expect(records.calls).toEqual(['write s/1'])
  })

  test('runs writes that depend on a read separately where the store requires it', async () => {
    const records = new Records()
    const rounds: string[] = []
    const store: ConditionalStore<number> = {
      ...records.store('a', { readsFirst: true }),
      exclusively: async (round) => {
        rounds.push('begins')
        const result = await round()
        rounds.push(...records.calls, 'ends')
        return result
      },
    }
    await putOwned(open('a'), [request('1')], store)
    expect(rounds).toEqual(['begins', 'read s/1', 'write s/1', 'ends'])
  })
})

describe('removeOwned', () => {
  test('removes by owner over all sessions, spares another owner’s record, and reports absent ones', async () => {
    const records = new Records()
    await putOwned(open('b'), [request('1'), request('2', 'rival')], records.store('b'))
    const refs = [ref('1'), ref('2'), ref('3')]
    const outcomes = await removeOwned(open('a'), refs, records.store('a'))
    expect(resultsOf(outcomes)).toEqual(['removed', 'not-ours', 'absent'])
    expect([...records.stored.keys()]).toEqual(['s/2'])
  })

  test('removes what it wrote itself without reading, where a revision proves it', async () => {
    for (const readsFirst of [false, true]) {
      const records = new Records()
      const store = records.store('a', { readsFirst })
      const session = open('a')
      await putOwned(session, [request('1'), request('2')], store)
      records.calls.length = 0
      const outcomes = await removeOwned(session, [ref('1'), ref('2')], store)
      expect(resultsOf(outcomes)).toEqual(['removed', 'removed'])
      expect(records.calls).toEqual([...(readsFirst ? ['read s/1,s/2'] : []), 'write s/1,s/2'])
      expect(records.stored.size).toBe(0)
    }
  })

  test('reads what changed since its own write, and what another owner of the process wrote', async () => {
    const records = new Records()
    const session = open('a')
    await putOwned(session, [request('1'), request('2', 'mine too')], records.store('a'))
    records.set('s/1', jsonFormat.encode(request('1', 'me', 5, 7)), 'a')
    records.calls.length = 0
    expect(resultsOf(await removeOwned(session, [ref('1')], records.store('a')))).toEqual([
      'removed',
    ])
    expect(records.calls).toEqual(['write s/1', 'read s/1', 'write s/1'])
    expect(resultsOf(await removeOwned(session, [ref('2')], records.store('a')))).toEqual([
      'not-ours',
    ])
    expect([...records.stored.keys()]).toEqual(['s/2'])
  })

  test.each([false, true])(
    'never removes the record of an owner that takes over meanwhile (reads first: %s)',
    async (readsFirst) => {
      const records = new Records()
      const session = open('a')
      const store = records.store('a', { readsFirst })
      await putOwned(session, [request('1')], store)
      const rivals = jsonFormat.encode(request('1', 'rival', 9))
      records.beforeWrite = () => records.set('s/1', rivals, 'r')
      expect(resultsOf(await removeOwned(session, [ref('1')], store))).toEqual(['not-ours'])
      expect(records.stored.get('s/1')?.value).toBe(rivals)
    },
  )

  test('forgets the sent record, so that the next put expects none', async () => {
    const records = new Records()
    const session = open('a')
    await putOwned(session, [request('1')], records.store('a'))
    await removeOwned(session, [ref('1')], records.store('a'))
    expect(session.sent.get('s/1')).toBeUndefined()
    records.calls.length = 0
    await putOwned(session, [request('1')], records.store('a'))
    expect(records.calls).toEqual(['write s/1'])
  })
})

describe('a record that another owner replaced, and has removed since', () => {
  const setUp = async (winner: PutRequest) => {
    const records = new Records()
    const session = open('a')
    const asked: object[] = []
    const store: ConditionalStore<number> = {
      ...records.store('a'),
      replacedBy: async (deleted) => {
        asked.push(...deleted)
        return deleted.map(() => jsonFormat.encode(winner))
      },
    }
    await putOwned(session, [request('1'), request('2')], store)
    const revision = records.stored.get('s/1')?.revision
    records.stored.delete('s/1')
    return { records, session, store, asked, revision }
  }

  test('is replaced for the audit, which asks only for what is missing', async () => {
    const { session, store, asked, revision } = await setUp(request('1', 'rival', 9))
    const audits = await auditOwned(session, [ref('1'), ref('2'), ref('never')], store)
    expect(audits).toMatchObject([
      { state: 'replaced', record: { claim: { owner: 'rival', claimedAtMs: 9 } } },
      { state: 'ours' },
      { state: 'missing' },
    ])
    expect(asked).toEqual([{ key: 's/1', after: revision }])
  })

  test('is not written again by an update, only with a higher claim', async () => {
    const { records, session, store } = await setUp(request('1', 'rival', 9))
    const update = request('1', 'me', 5, 7)
    expect(await putOwned(session, [update], store)).toEqual([
      { result: 'conflict', holder: { owner: 'rival', claimedAtMs: 9, seq: 0 } },
    ])
    expect([...records.stored.keys()]).toEqual(['s/2'])
    expect(resultsOf(await putOwned(session, [request('1', 'me', 10)], store))).toEqual(['written'])
    const again = await setUp(request('1', 'rival', 9))
    expect(resultsOf(await putOwned(again.session, [request('1', 'me', 10)], again.store))).toEqual(
      ['written'],
    )
  })

  test('is missing where the owner itself wrote last, where nothing is known, and where it is unreadable', async () => {
    const { claim: _, ...unclaimed } = JSON.parse(
      Buffer.from(jsonFormat.encode(request('1'))).toString(),
    ) as Record<string, unknown>
    const values = [
      jsonFormat.encode(request('1')),
      undefined,
      Buffer.from('{'),
      Buffer.from(JSON.stringify(unclaimed)),
    ]
    for (const value of values) {
      const { session, store } = await setUp(request('1', 'rival', 9))
      const unknown = { ...store, replacedBy: async () => [value] }
      expect(await auditOwned(session, [ref('1')], unknown)).toEqual([
        { ...ref('1'), state: 'missing' },
      ])
      expect(resultsOf(await putOwned(session, [request('1')], unknown))).toEqual(['written'])
    }
  })

  test('needs no question before its removal', async () => {
    const { session, store, asked } = await setUp(request('1', 'rival', 9))
    expect(resultsOf(await removeOwned(session, [ref('1')], store))).toEqual(['absent'])
    expect(asked).toEqual([])
  })
})

test('removeOwned reads before it writes when it knows the revision of some only', async () => {
  const records = new Records()
  const session = open('a', 'before')
  await putOwned(open('before'), [request('1')], records.store('before'))
  await putOwned(session, [request('2')], records.store('a'))
  records.calls.length = 0
  const outcomes = await removeOwned(session, [ref('1'), ref('2')], records.store('a'))
  expect(resultsOf(outcomes)).toEqual(['removed', 'removed'])
  expect(records.calls).toEqual(['read s/1,s/2', 'write s/1,s/2'])
})

test('removeStraysOwned keeps what the session writes while it looks', async () => {
  const records = new Records()
  const session = open('a')
  for (const id of ['1', '2']) records.set(`s/${id}`, jsonFormat.encode(request(id)), 'a')
  const store = records.store('a')
  const read: ConditionalStore<number>['read'] = (keys) => {
    session.sent.add('s/1', 'me', jsonFormat.encode(request('1')))
    return store.read(keys)
  }
  const removed = await removeStraysOwned(session, ['s/1', 's/2'], { ...store, read }, 100)
  expect(removed).toEqual(['s/2'])
  expect([...records.stored.keys()]).toEqual(['s/1'])
})

describe('removeOwned that arrives late', () => {
  test('keeps a record that was registered again after it was read', async () => {
    const records = new Records()
    const session = open('a')
    const store = records.store('a')
    await putOwned(session, [request('1')], store)
    const arrived: unknown[] = []
    const late: ConditionalStore<number> = {
      ...store,
      write: async (removal) => {
        // its caller has given up, and the same owner has registered again
        await putOwned(session, [request('1', 'me', 6)], store)
        arrived.push(...(await store.write(removal)))
        throw new Error('nobody waits for the answer')
      },
    }
    await expect(removeOwned(session, [ref('1')], late)).rejects.toThrow('nobody waits')
    expect(arrived).toEqual(['changed'])
    expect(records.stored.has('s/1')).toBe(true)
  })
})

test('SentRecords keeps a record that is sent during a removal', () => {
  const sent = new SentRecords<number>()
  const first = sent.add('k', 'me', Buffer.from('1'))
  first.revision = 4
  const second = sent.add('k', 'me', Buffer.from('2'))
  expect(second.revision).toBe(4)
  sent.delete('k', first)
  expect(sent.get('k')).toBe(second)
  expect(sent.add('k', 'other', Buffer.from('3')).revision).toBeUndefined()
})
