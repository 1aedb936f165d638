import type { ContractHarness, Need } from '@sd/contract-tests'
import { consul } from '../src/index.ts'

/** Where the server answers. */
const endpoint = process.env['SD_TEST_CONSUL_ENDPOINT'] ?? 'http://127.0.0.1:1234'

/** What `consulHarness` provides. The cases that need anything else are skipped by name. */
export const consulNeeds: readonly Need[] = ['invalidConfigs']

/**
 * A harness over one real server. Each hook below that is added, here and in `consulNeeds`,
 * turns the cases on that need it. All faults end when what the hook returned is disposed of.
 *
 * - `connectDirect(namespace)`: a driver past the proxy that the faults spoil. W3 reads through it
 *   what the spoilt one must catch up with.
 * - `server`: `stop('term' | 'kill')` and `start()` (the same address, data kept, resolves when it
 *   answers), `wipe()` (of a stopped one: it starts empty), `pause()` and `resume()` (SIGSTOP,
 *   SIGCONT). R4, R5, R6, R8, R9, R11, W3, W4: restarts, outages, freezes, lost data.
 * - `partition()`: what is sent vanishes, connections stay open. R5, W3.
 * - `slow(delayMs)`: every message comes late, each way.
 * - `cutAt(bytes)`: each connection is cut after that many bytes from the server. W3.
 * - `expireSession(sessionId)`: ends that session out of band. R5, R7, R10.
 * - `loseHistory()`: old cursors become unusable, as by a compaction. W3.
 * - `deleteRecord(namespace, service, id)`: out of band. R5.
 * - `writeRaw(namespace, service, id, bytes)`: overwrites the record, tied to no session. D3, R5.
 * - `startOwner(namespace, instance, ttlMs)`: another process registers and holds it: `forkOwner`
 *   of `@sd/contract-tests`. R3, D3.
 * - `secure`: TLS and authentication, each a server and the secrets used. S1, S2.
 * - `askForTls`: makes a driver that asks for TLS; refused where `capabilities.tls` is false. S1.
 *
 * `launch` and `TcpProxy` of `@sd/test-servers` do most of this; see `packages/etcd/contract`.
 */
export const consulHarness = async (): Promise<ContractHarness> => ({
  connect: (namespace) => consul({ endpoint, namespace }),
  invalidConfigs: [
    { field: 'endpoint', make: () => consul({ endpoint: 'nowhere' }) },
    { field: 'namespace', make: () => consul({ endpoint, namespace: '' }) },
    { field: 'nam', make: () => consul({ endpoint, nam: 'x' } as never) },
  ],
  [Symbol.asyncDispose]: async () => {},
})
