import { describe, expect, test } from 'vitest'
import { failure } from '../scripted-backend.ts'
import { capMs, createTestBed, instance, outcomeOf, ttlMs } from './supervisor-test-bed.ts'

describe('an instance that is refused or failing', () => {
  test('does not keep the other instances from being audited and restored, and is reported', async () => {
    const { clock, backend, registry } = createTestBed()
    const secret = registry.register(instance('secret', '1'))
    const good = registry.register(instance('good', '1'))
    await clock.advance(10)
    backend.before = ({ operation, keys }) => {
      if (operation === 'audit' && keys.includes('secret/1')) throw failure('permission-denied')
    }
    backend.records.delete('good/1')
    await clock.advance(ttlMs + capMs)
    expect(backend.records.has('good/1')).toBe(true)
    expect((await good).status.state).toBe('registered')
    expect((await secret).status).toMatchObject({
      state: 'recovering',
      cause: { code: 'permission-denied' },
    })
    expect(registry.health().ok).toBe(false)
    backend.before = () => {}
    await clock.advance(ttlMs)
    expect((await secret).status.state).toBe('registered')
    expect(registry.health().ok).toBe(true)
  })

  test('is no sign of trouble for the watches', async () => {
    const { clock, backend, registry, another } = createTestBed()
    void registry.register(instance('secret', '1'))
    const peers = ['1', '2', '3', '4'].map((id) => another().register(instance('peer', id)))
    await clock.advance(10)
    backend.before = ({ operation, keys }) => {
      if (operation === 'audit' && keys.includes('secret/1')) throw failure('permission-denied')
    }
    const { records } = backend
    let remove: (key: string) => void = () => {}
    backend.observe = async function* () {
      yield {
        type: 'snapshot',
        records: [...records].map(([key, { instance: one }]) => ({
          key: key as never,
          instance: one,
        })),
        skipped: [],
      }
      for (;;) {
        const key = await new Promise<string>((resolve) => {
          remove = resolve
        })
        yield { type: 'changes', records: [], skipped: [], removed: [key as never] }
      }
    }
    const watcher = registry.watch('peer')
    await clock.advance(3 * ttlMs)
    expect(watcher.size).toBe(5)
    remove('peer/1')
    await clock.advance(1)
    expect(watcher.size).toBe(4)
    await Promise.all(peers)
  })

  test('does not keep an old session open when it never succeeds', async () => {
    const { clock, backend, registry } = createTestBed()
    const good = registry.register(instance('good', '1'))
    backend.answerPut = ({ instance: { service } }) =>
      service === 'poison' ? { result: 'error', error: failure('internal') } : undefined
    void registry.register(instance('poison', '1')).catch(() => {})
    await clock.advance(100)
    let lost = 0
    backend.before = async ({ operation, keys }) => {
      if (operation !== 'put' || !keys.includes('good/2') || lost > 0) return
      lost += 1
      throw failure('timeout')
    }
    const unknown = await registry.register(instance('good', '2'), { waitFor: 'accepted' })
    await clock.advance(500)
    const gone = outcomeOf(unknown.deregister())
    await clock.advance(ttlMs + 2 * capMs + 100)
    expect(gone.ending).toBe('resolved')
    expect(backend.sessions.size).toBe(1)
    // further losses, less than a ttl apart, do not accumulate sessions either
    for (const id of ['3', '4', '5', '6', '7', '8']) {
      lost = 0
      backend.before = ({ operation, keys }) => {
        if (operation !== 'put' || !keys.includes(`good/${id}`) || lost > 0) return
        lost += 1
        throw failure('timeout')
      }
      const one = await registry.register(instance('good', id), { waitFor: 'accepted' })
      await clock.advance(300)
      one.deregister().catch(() => {})
      await clock.advance(400)
    }
    expect(backend.sessions.size).toBeLessThan(4)
    expect((await good).status.state).toBe('registered')
  })

  test('does not keep close from removing the others when the backend refuses to end the session', async () => {
    const { clock, backend, registry } = createTestBed()
    for (const [service, id] of [
      ['a', '1'],
      ['a', '2'],
      ['secret', '1'],
    ] as const)
      void registry.register(instance(service, id))
    await clock.advance(10)
    backend.before = ({ operation, keys }) => {
      if (operation === 'close-session') throw failure('permission-denied')
      if (operation === 'remove' && keys.includes('secret/1')) throw failure('permission-denied')
    }
    const closed = outcomeOf(registry.close())
    await clock.advance(20)
    expect(closed.ending).toBe('resolved')
    expect([...backend.records.keys()]).toEqual(['secret/1'])
  })

  test('is not retried in step with the others', async () => {
    const { clock, backend, another } = createTestBed()
    const registries = Array.from({ length: 20 }, () => another())
    const asked: number[] = []
    for (const [index, one] of registries.entries()) void one.register(instance('a', String(index)))
    await clock.advance(10)
    backend.before = ({ operation, atMs }) => {
      if (operation !== 'put') return
      asked.push(atMs)
      throw failure('permission-denied')
    }
    backend.records.clear()
    await clock.advance(ttlMs + 2 * capMs)
    expect(new Set(asked.map(Math.round)).size).toBeGreaterThan(20)
  })
})
