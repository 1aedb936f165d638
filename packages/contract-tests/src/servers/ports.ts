import { createServer } from 'node:net'
import { claim, withdraw } from './port-claims.ts'

const first = 20_000
const perWorker = 300
const workers = 40

/**
 * Hands out ports below the kernel's ephemeral range (32768 and up), so that no outgoing connection
 * takes a port while its server is down. Each vitest worker has its own slice, so parallel files do
 * not race; each process starts at another place in the slice, so two runs rarely do.
 */
export class PortSlice {
  readonly #start: number
  #next: number

  constructor(worker: number, seed: number) {
    this.#start = first + (worker % workers) * perWorker
    this.#next = seed % perWorker
  }

  /**
   * A port without a listener that no other test process has claimed; reserved until {@link
   * release}.
   */
  async reserve(): Promise<number> {
    for (let tried = 0; tried < perWorker; tried++) {
      const port = this.#start + (this.#next++ % perWorker)
      if (!claim(port)) continue
      if (await isFree(port)) return port
      withdraw(port)
    }
    throw new Error(`no free port in ${this.#start}-${this.#start + perWorker - 1}`)
  }

  /** Releases ports. Keep those of a stopped server, which needs them when it restarts. */
  release(ports: Iterable<number>): void {
    for (const port of ports) withdraw(port)
  }
}

/** The ports of this Vitest worker; outside of Vitest, those of the first worker. */
export const ports: PortSlice = new PortSlice(
  Number(process.env['VITEST_POOL_ID'] ?? 0),
  process.pid * 37,
)

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '0.0.0.0', () => probe.close(() => resolve(true)))
  })
}
