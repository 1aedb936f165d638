import type { EtcdConfig } from '../config.ts'
import { isAuthDisabled } from '../errors.ts'
import * as methods from './methods.ts'

/** The token that all connections of one driver share. */
export class EtcdCredentials {
  readonly #username: string | undefined
  readonly #password: string | undefined
  #token: string | undefined

  constructor({ username, password }: EtcdConfig) {
    this.#username = username
    this.#password = password
    if (username === undefined) this.#token = ''
  }

  /** Whether a username and a password are configured. */
  get given(): boolean {
    return this.#username !== undefined
  }

  /** An empty string means that no token is needed; `undefined` means that a login is needed. */
  get token(): string | undefined {
    return this.#token
  }

  /** Drops `token`, which the server refused. A newer token is kept. */
  drop(token: string): void {
    if (this.given && this.#token === token) this.#token = undefined
  }

  async login(
    run: <Request, Response>(
      method: methods.Method<Request, Response>,
      request: Request,
    ) => Promise<Response>,
  ): Promise<string> {
    const request = { name: this.#username ?? '', password: this.#password ?? '' }
    try {
      const { token } = await run(methods.authenticate, request)
      this.#token = token
    } catch (error) {
      // authentication is off on the server
      if (!isAuthDisabled(error)) throw error
      this.#token = ''
    }
    return this.#token
  }
}
