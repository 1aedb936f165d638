import type { EtcdConfig } from '../config.ts'
import { isAuthDisabled } from '../errors.ts'
import type { Call } from './call-control.ts'

/**
 * The token that all connections of one driver share. etcd3's own authentication is not used: it
 * opens a channel without our options for every login, never closes it, and has no deadline.
 */
export class EtcdCredentials {
  readonly #username: string | undefined
  readonly #password: string | undefined
  #token: string | undefined

  constructor({ username, password }: EtcdConfig) {
    this.#username = username
    this.#password = password
    if (username === undefined) this.#token = ''
  }

  /** Whether there is anything to log in with. */
  get given(): boolean {
    return this.#username !== undefined
  }

  /** The empty string: no token is needed. `undefined`: a login is needed. */
  get token(): string | undefined {
    return this.#token
  }

  /** Forgets `token`, which the server refused. A newer one stays. */
  drop(token: string): void {
    if (this.given && this.#token === token) this.#token = undefined
  }

  async login(run: <T>(call: Call<T>) => Promise<T>): Promise<string> {
    const request = { name: this.#username ?? '', password: this.#password ?? '' }
    try {
      const { token } = await run((client, options) => client.auth.authenticate(request, options))
      this.#token = token
    } catch (error) {
      // the server does not authenticate anybody
      if (!isAuthDisabled(error)) throw error
      this.#token = ''
    }
    return this.#token
  }
}
