import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { AgentSockets } from './agent-sockets.ts'

/** The request options that Node passes to its agents. */
export interface RequestOptions extends http.RequestOptions {
  servername?: string
  /** Internal: for `createConnection`. */
  sdConnection?: { readonly sockets: AgentSockets; readonly endpoint: string }
}

/** Methods of Node's agents that `@types/node` omits; agent-base overrides the same method. */
interface AgentInternals {
  addRequest(request: http.ClientRequest, options: RequestOptions): void
}

/** Continues in Node's own agent, with the options as they are then. */
export type Proceed = (request: http.ClientRequest, options: RequestOptions) => void
/** Handles each request of the agent. */
export type AddRequest = (
  request: http.ClientRequest,
  options: RequestOptions,
  scheme: 'http' | 'https',
  proceed: Proceed,
) => void

const socketOf = new WeakMap<Duplex, NonNullable<RequestOptions['sdConnection']>>()

const follow = (socket: Duplex | null | undefined, options: RequestOptions): void => {
  const { sdConnection } = options
  if (sdConnection === undefined || socket === null || socket === undefined) return
  socketOf.set(socket, sdConnection)
  sdConnection.sockets.add(sdConnection.endpoint, socket)
}

/** Whether a free socket may be kept for the next request. */
const isWanted = (socket: Duplex): boolean => {
  const connection = socketOf.get(socket)
  return connection === undefined || connection.sockets.wants(connection.endpoint)
}

const superAddRequest = (agent: http.Agent, prototype: http.Agent): Proceed =>
  (prototype as unknown as AgentInternals).addRequest.bind(agent)

/** Node's agent for `http:`, with a hook that chooses where each request goes. */
export class PickingHttpAgent extends http.Agent {
  readonly #add: AddRequest

  constructor(options: http.AgentOptions, add: AddRequest) {
    super(options)
    this.#add = add
  }

  addRequest(request: http.ClientRequest, options: RequestOptions): void {
    this.#add(request, options, 'http', superAddRequest(this, http.Agent.prototype))
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback)
    follow(socket, options)
    return socket
  }

  override keepSocketAlive(socket: Duplex): void {
    // false closes the socket; Node's types declare void
    return (isWanted(socket) && super.keepSocketAlive(socket)) as unknown as void
  }
}

/** Node's agent for `https:`, with the same hook. */
export class PickingHttpsAgent extends https.Agent {
  readonly #add: AddRequest

  constructor(options: https.AgentOptions, add: AddRequest) {
    super(options)
    this.#add = add
  }

  addRequest(request: http.ClientRequest, options: RequestOptions): void {
    this.#add(request, options, 'https', superAddRequest(this, https.Agent.prototype))
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback)
    follow(socket, options as RequestOptions)
    return socket
  }

  override keepSocketAlive(socket: Duplex): void {
    return (isWanted(socket) && super.keepSocketAlive(socket)) as unknown as void
  }
}
