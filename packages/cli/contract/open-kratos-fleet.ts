import { goPeers, type PeerOptions, PeerRegistrar, PeerWatcher } from '@sd/peers'
import type { KratosFleet, KratosInstance } from './kratos-fleet.ts'
import { KratosRegistrar } from './kratos-registrar.ts'

/** Kratos itself, in two processes of `tools/peers/go`. */
class KratosProcesses implements KratosFleet {
  readonly #registrar: PeerRegistrar
  readonly #watcher: PeerWatcher

  constructor(command: readonly string[], options: PeerOptions) {
    this.#registrar = new PeerRegistrar(command, options)
    this.#watcher = new PeerWatcher(command, { ...options, service: 'orders' })
  }

  register(id: string, endpoint: string, weight?: number): Promise<void> {
    return this.#registrar.register({
      id,
      name: 'orders',
      version: 'v1.0.0',
      metadata: weight === undefined ? null : { weight: String(weight) },
      endpoints: [endpoint],
    })
  }

  deregister(id: string): Promise<void> {
    return this.#registrar.deregister({ id, name: 'orders', endpoints: [] })
  }

  async read(): Promise<readonly KratosInstance[]> {
    const [error] = this.#watcher.errors
    if (error !== undefined) throw new Error(`Kratos's reader reports ${error}`)
    const view = this.#watcher.view ?? []
    return view.map(({ id, metadata }) => ({ id, weight: metadata?.['weight'] }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registrar[Symbol.asyncDispose]()
    await this.#watcher[Symbol.asyncDispose]()
  }
}

// a build takes longer than a test may
const program = await goPeers()

/** Kratos itself where Go is installed, else what does the same through etcd's JSON gateway. */
export const openKratosFleet = (server: string): KratosFleet =>
  'missing' in program
    ? new KratosRegistrar(server)
    : new KratosProcesses(program.command, { peer: 'kratos-etcd', server })
