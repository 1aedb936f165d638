import { createDriverContext, type DriverContext, type DriverEvent } from '@sd/core/driver'
import type { Server } from '@sd/contract-tests/servers'
import {
  createZooKeeperClient,
  type ZooKeeperClientOptions,
} from '../../src/client/create-client.ts'
import type { ClientState, ZooKeeperClient } from '../../src/client/zookeeper-client.ts'
import { clientTls } from '../test-tls.ts'

/** A timeout that a server grants as requested: its ticks are 500 ms. */
export const sessionTimeoutMs = 2_000

/** Added to every bound for loaded machines. */
export const slackMs = 10_000

/** Resolves in the next turn of the event loop, after everything that settles at once. */
export const nextTurn = (): Promise<string> =>
  new Promise((resolve) => setImmediate(resolve, 'later'))

/** The fastest of three attempts, in ms: other work on the machine only adds to it. */
export const fastest = async (attempt: () => Promise<void>): Promise<number> => {
  const times: number[] = []
  for (let round = 0; round < 3; round++) {
    const began = performance.now()
    await attempt()
    times.push(performance.now() - began)
  }
  return Math.min(...times)
}

/** The bytes with which a server completes a handshake. */
export const handshakeBytes = 41

/** Aborts a call that takes far too long. */
export const soon = (ms = 10_000): AbortSignal => AbortSignal.timeout(ms)

export const hostOf = (server: Server): string => server.endpoints['client'] ?? ''

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const text = (data: Uint8Array): string => new TextDecoder().decode(data)

type Options = Partial<ZooKeeperClientOptions>

export const optionsOf = (hosts: readonly string[], rest: Options): ZooKeeperClientOptions => ({
  ...clientTls,
  hosts,
  sessionTimeoutMs,
  context: createDriverContext(),
  ...rest,
})

export const make = (hosts: readonly string[], rest: Options = {}): ZooKeeperClient =>
  createZooKeeperClient(optionsOf(hosts, rest))

/** A context that tries the hosts in the given order, and keeps the reports. */
export const inOrder = (): DriverContext & { readonly reported: readonly DriverEvent[] } => {
  const reported: DriverEvent[] = []
  return {
    ...createDriverContext({
      random: { next: () => 0, id: (length) => 'x'.repeat(length) },
      report: (event) => void reported.push(event),
    }),
    reported,
  }
}

/** A connected client, closed at the end of its block. */
export interface Opened extends AsyncDisposable {
  readonly client: ZooKeeperClient
  /** Every state since it connected. */
  readonly states: readonly ClientState[]
}

export const open = async (hosts: readonly string[], rest: Options = {}): Promise<Opened> =>
  connected(make(hosts, rest))

export const connected = async (client: ZooKeeperClient): Promise<Opened> => {
  await client.connect(soon())
  const states: ClientState[] = []
  client.onState((state) => void states.push(state))
  return {
    client,
    states,
    [Symbol.asyncDispose]: () => client.close(soon(1_000)).catch(() => {}),
  }
}
