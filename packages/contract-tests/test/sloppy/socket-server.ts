import {
  createDriverContext,
  type DriverSession,
  type OwnedRef,
  type PutRequest,
  type RegistryDriver,
  RegistryError,
  type Scope,
  toCursor,
} from '@sd/core/driver'
import { createServer, type Socket } from 'node:net'
import { endpointOf } from '../../src/servers/endpoint-of.ts'
import { eachLine } from './each-line.ts'
import type { MemoryWorld } from './memory-world.ts'

/** A line from a client: the call's number, its method and its arguments. */
export interface SocketCall {
  readonly call: number
  readonly ask: keyof typeof answers
  readonly namespace: string
  readonly password?: string | undefined
  readonly sessionId?: string | undefined
  readonly requests?: readonly PutRequest[]
  readonly refs?: readonly OwnedRef[]
  readonly scope?: Scope
  readonly cursor?: string | undefined
  readonly ttlMs?: number
}

/** A line to a client. An observation is answered once for each item. */
export interface SocketAnswer {
  readonly call: number
  readonly value?: unknown
  readonly error?: { readonly code: string; readonly message: string }
}

/** The only accepted password, if given. */
export const acceptedPassword = 'hunter2-socket'

interface Desk {
  readonly driver: RegistryDriver
  readonly sessions: Map<string, DriverSession>
  readonly line: SocketCall
  readonly signal: AbortSignal
}

const sessionOf = ({ sessions, line }: Desk): DriverSession => {
  const session = sessions.get(line.sessionId ?? '')
  if (session !== undefined) return session
  const message = 'there is no such session'
  throw new RegistryError('session-lost', { backend: 'memory', operation: line.ask, message })
}

const answers = {
  openSession: async ({ driver, sessions, line, signal }: Desk): Promise<unknown> => {
    const session = await driver.openSession({ ttlMs: line.ttlMs ?? 0 }, signal)
    sessions.set(session.id, session)
    return { id: session.id, grantedTtlMs: session.grantedTtlMs }
  },
  list: ({ driver, line, signal }: Desk): Promise<unknown> =>
    driver.list(line.scope ?? { all: true }, signal),
  probe: ({ driver, signal }: Desk): Promise<unknown> => driver.probe(signal),
  renew: (desk: Desk): Promise<unknown> => sessionOf(desk).renew(desk.signal),
  put: (desk: Desk): Promise<unknown> => sessionOf(desk).put(desk.line.requests ?? [], desk.signal),
  remove: (desk: Desk): Promise<unknown> =>
    sessionOf(desk).remove(desk.line.refs ?? [], desk.signal),
  audit: (desk: Desk): Promise<unknown> => sessionOf(desk).audit(desk.line.refs ?? [], desk.signal),
  removeStrays: async (desk: Desk): Promise<unknown> => sessionOf(desk).removeStrays?.(desk.signal),
  close: (desk: Desk): Promise<unknown> => sessionOf(desk).close(desk.signal),
  observe: async (): Promise<unknown> => undefined,
}

/** A server that exposes a store in lines of JSON, for a driver with connections. */
export class SocketServer implements AsyncDisposable {
  readonly #world: MemoryWorld
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket))
  readonly #sockets = new Set<Socket>()
  readonly #drivers = new Map<string, RegistryDriver>()
  readonly #sessions = new Map<string, DriverSession>()

  constructor(world: MemoryWorld) {
    this.#world = world
  }

  /** Starts to serve; returns `host:port`. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return endpointOf(this.#server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const driver of this.#drivers.values()) await driver[Symbol.asyncDispose]()
  }

  #driver(namespace: string): RegistryDriver {
    const driver =
      this.#drivers.get(namespace) ?? this.#world.correct(namespace)(createDriverContext())
    this.#drivers.set(namespace, driver)
    return driver
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const gone = new AbortController()
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      gone.abort(new Error('the client left'))
    })
    const say = (answer: SocketAnswer): void => {
      if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`)
    }
    eachLine(socket, (text) => {
      void this.#answer(JSON.parse(text) as SocketCall, gone.signal, say)
    })
  }

  async #answer(
    line: SocketCall,
    signal: AbortSignal,
    say: (answer: SocketAnswer) => void,
  ): Promise<void> {
    const { call, ask, scope = { all: true }, cursor, namespace, password } = line
    try {
      if (password !== undefined && password !== acceptedPassword) {
        const message = 'the password is wrong'
        throw new RegistryError('permission-denied', { backend: 'memory', operation: ask, message })
      }
      const driver = this.#driver(namespace)
      if (ask === 'observe') {
        const from = cursor === undefined ? undefined : toCursor(cursor)
        for await (const value of driver.observe(scope, from, signal)) say({ call, value })
        return
      }
      say({ call, value: await answers[ask]({ driver, sessions: this.#sessions, line, signal }) })
    } catch (error) {
      if (signal.aborted) return
      const { code, message } = error as RegistryError
      say({ call, error: { code, message } })
    }
  }
}
