import type { Provision } from './provision.ts'
import type { TestServer } from './test-server.ts'

/** One source of servers. */
export interface ServerSource {
  /** Its name in messages: `containers`. */
  readonly name: string
  /** Resolves with the provision; rejects with an error that says what is missing. */
  find(server: TestServer): Promise<Provision>
}
