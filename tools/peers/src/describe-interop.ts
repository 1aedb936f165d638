import type { Registration, Registry, ServiceInstance, Watcher } from '@sd/core'
import { createRegistry } from '@sd/registry'
import { launch, type TestServer, until } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { churn } from './churn.ts'
import { type InteropPair, interopPairs } from './interop-pair.ts'
import { startOwner } from './owner-process.ts'
import type { PeerInstance } from './peer-instance.ts'
import { PeerRegistrar, PeerWatcher } from './peer-process.ts'
import { type RunnablePeer, runnablePeers } from './runnable-peers.ts'

const service = 'orders'
const ttlMs = 4_000
/** A ttl of either side, then what servers and readers take on a busy machine. */
const expiryMs = 4 * ttlMs + 30_000

/** The hosts in the endpoints of a view, sorted: equal for equal views of both sides. */
const hostsIn = (view: readonly { readonly endpoints: readonly string[] }[]): readonly string[] =>
  [
    ...new Set(
      view.flatMap(({ endpoints }) =>
        endpoints.flatMap((endpoint) => /\d+\.\d+\.\d+\.\d+/.exec(endpoint)?.[0] ?? []),
      ),
    ),
  ].toSorted()

const describePair = (
  server: TestServer,
  pair: InteropPair,
  { command, missing, endpoints }: RunnablePeer,
): void => {
  describe.skipIf(missing !== undefined)(
    `${pair.peer} and @sd on ${server.name}${missing ? ` (${missing})` : ''}`,
    () => {
      let cluster: Awaited<ReturnType<typeof launch>>
      let endpoint: string
      let registry: Registry
      let here: Watcher
      let there: PeerWatcher
      let registrar: PeerRegistrar

      const theirs = (id: string, host: string, weight?: number): PeerInstance => ({
        id,
        name: service,
        version: '1',
        metadata: weight === undefined ? { a: 'b' } : { a: 'b', weight: String(weight) },
        endpoints: endpoints(host),
      })
      const ours = (id: string, host: string) => ({ service, id, endpoints: pair.endpoints(host) })
      const at = (): { peer: string; server: string; ttlSeconds: number } => ({
        peer: pair.peer,
        server: endpoint,
        ttlSeconds: pair.ttlSeconds,
      })
      const seenHere = (
        what: string,
        condition: (view: readonly ServiceInstance[]) => boolean,
        deadlineMs = 30_000,
      ): Promise<void> =>
        until(what, () => condition(here.instances), deadlineMs).catch((cause: unknown) => {
          throw new Error(`${what}; view here ${JSON.stringify(here.instances)}`, { cause })
        })
      const has =
        (host: string) =>
        (view: readonly { readonly endpoints: readonly string[] }[]): boolean =>
          hostsIn(view).includes(host)
      const lacks =
        (host: string) => (view: readonly { readonly endpoints: readonly string[] }[]) =>
          !has(host)(view)

      beforeAll(async () => {
        cluster = await launch(server)
        endpoint = cluster.servers[0]?.endpoints[server.clientPort] ?? ''
        registry = await createRegistry({ url: pair.url(endpoint), ttlMs, logger: false })
        here = registry.watch(service)
        await here.next()
        there = new PeerWatcher(command, { ...at(), service })
        registrar = new PeerRegistrar(command, at())
      })
      afterAll(async () => {
        await there?.[Symbol.asyncDispose]()
        await registrar?.[Symbol.asyncDispose]()
        await registry?.close()
        await cluster?.[Symbol.asyncDispose]()
      })

      test('our record alone, its update, its weight and its end are seen there', async () => {
        const registration = await registry.register(ours('ours', '10.1.0.1'))
        await there.sees('our record', has('10.1.0.1'))
        await registrar.register(theirs('anchor', '10.9.9.9'))
        await there.sees('theirs beside it', has('10.9.9.9'))
        await registration.update({ endpoints: pair.endpoints('10.1.0.2') })
        await there.sees('our update', (view) => has('10.1.0.2')(view) && lacks('10.1.0.1')(view))
        await registration.update({ weight: 7 })
        if (pair.showsWeight)
          await there.sees('our weight', (view) =>
            view.some(({ metadata }) => metadata?.['weight'] === '7'),
          )
        await registration.deregister()
        await there.sees('the end of ours', lacks('10.1.0.2'))
        expect(hostsIn(there.view ?? [])).toEqual(['10.9.9.9'])
      })

      test('their record, its update, its weight and its end are seen here', async () => {
        await registrar.register(theirs('theirs', '10.2.0.1'))
        await seenHere('their record', has('10.2.0.1'))
        await registrar.register(theirs('theirs', '10.2.0.2', 7))
        await seenHere('their update', (view) => has('10.2.0.2')(view) && lacks('10.2.0.1')(view))
        const updated = here.instances.find((each) => has('10.2.0.2')([each]))
        expect(updated?.weight).toBe(pair.readsWeight ? 7 : 100)
        await registrar.deregister(theirs('theirs', '10.2.0.2'))
        await seenHere('the end of theirs', lacks('10.2.0.2'))
      })

      test('a killed process of ours expires there, and one of theirs here', async () => {
        await using owner = await startOwner(pair.url(endpoint), ours('killed', '10.1.0.3'))
        await using other = new PeerRegistrar(command, at())
        await other.register(theirs('killed-too', '10.2.0.3'))
        await there.sees('both', (view) => has('10.1.0.3')(view) && has('10.2.0.3')(view))
        await seenHere('both', (view) => has('10.1.0.3')(view) && has('10.2.0.3')(view))
        await Promise.all([owner.kill(), other.kill()])
        const none = (view: Parameters<typeof hostsIn>[0]): boolean =>
          lacks('10.1.0.3')(view) && lacks('10.2.0.3')(view)
        await there.sees('neither', none, expiryMs)
        await seenHere('neither', none, expiryMs)
        expect(there.errors).toEqual([])
      }, 120_000)

      test('churn of both sides ends in equal views, without an error of a reader', async () => {
        const expected = await churn({
          seconds: Number(process.env['SD_PEERS_CHURN_SECONDS'] ?? 5),
          records: Number(process.env['SD_PEERS_CHURN_RECORDS'] ?? 40),
          ours: async (id, host): Promise<Registration> => registry.register(ours(id, host)),
          oursEndpoints: pair.endpoints,
          register: (id, host) => registrar.register(theirs(id, host)),
          deregister: (id, host) => registrar.deregister(theirs(id, host)),
        })
        const all = [...expected, '10.9.9.9'].toSorted()
        const equal = (view: Parameters<typeof hostsIn>[0]): boolean =>
          JSON.stringify(hostsIn(view)) === JSON.stringify(all)
        await there.sees(`the same there: ${all.join(' ')}`, equal, expiryMs)
        await seenHere(`the same here: ${all.join(' ')}`, equal, expiryMs)
        expect(there.errors.filter((error) => error !== pair.usualError)).toEqual([])
      }, 300_000)

      test('both are back after the server restarted, and after it lost its data', async () => {
        await registry.register(ours('lasting', '10.1.0.9'))
        const both = (view: Parameters<typeof hostsIn>[0]): boolean =>
          has('10.1.0.9')(view) && (!pair.recovers || has('10.9.9.9')(view))
        await there.sees('both', both)
        await cluster.stop('kill')
        await cluster.start()
        await until(
          'we are served',
          async () => (await registry.list(service)).length > 0,
          expiryMs,
        )
        await using again = new PeerWatcher(command, { ...at(), service })
        await again.sees('both after the restart', both, expiryMs)
        await there.sees('both after the restart', both, expiryMs)
        await seenHere('both after the restart', both, expiryMs)
        await cluster.stop('kill')
        await cluster.wipe()
        await cluster.start()
        await until('our record is back', async () => both(await registry.list(service)), expiryMs)
        await using fresh = new PeerWatcher(command, { ...at(), service })
        await fresh.sees('both on the empty server', both, expiryMs)
        await seenHere('both on the empty server', both, expiryMs)
        expect(fresh.errors).toEqual([])
      }, 240_000)
    },
  )
}

/** Declares the interop tests of all peers of one backend. */
export const describeInterop = async (server: TestServer): Promise<void> => {
  const peers = await runnablePeers()
  for (const pair of interopPairs) {
    const peer = peers.find(({ name, backend }) => name === pair.peer && backend === server.name)
    if (peer !== undefined) describePair(server, pair, peer)
  }
}
