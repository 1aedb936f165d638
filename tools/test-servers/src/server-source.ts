import type { Provision } from './provision.ts'
import type { TestServer } from './test-server.ts'

/** One source of servers. */
export interface ServerSource {
  /** For people: `containers`. */
  readonly name: string
  /** Resolves with what was found; rejects with an error that says what is missing. */
  find(server: TestServer): Promise<Provision>
}
