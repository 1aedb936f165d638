import type { ListenOptions } from 'node:net'
import { once } from 'node:events'
import { Server as TlsServer } from 'node:tls'
import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import type { ListeningPort, ServiceServer } from './service-server.ts'

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])

/** Where a server of Node's listens. Throws when that is no TCP port. */
export const portOf = (server: AnyHttpServer): ListeningPort => {
  const address = server.address()
  if (address === null || typeof address === 'string')
    throw new TypeError(
      `the server listens on ${address === null ? 'nothing' : `the socket ${address}`}; expected a TCP port`,
    )
  return {
    scheme: server instanceof TlsServer ? 'https' : 'http',
    port: address.port,
    host: wildcards.has(address.address) ? undefined : address.address,
  }
}

/**
 * A server of `node:http`, `node:https` or `node:http2`. `options` are those of `server.listen`;
 * default: any free port. It must not listen yet.
 *
 * Draining answers what has begun, with `Connection: close` (HTTP/2: GOAWAY), and closes idle and
 * silent connections at once. Upgraded connections (WebSockets) are yours to end in `onDrain`.
 */
export const httpServer = (server: AnyHttpServer, options: ListenOptions = {}): ServiceServer => {
  const drain = new HttpDrain(server)
  return {
    listen: async (signal) => {
      server.listen({ port: 0, ...options })
      await once(server, 'listening', { signal })
      return [portOf(server)]
    },
    drain: (signal) => drain.drain(signal),
    destroy: () => drain.destroy(),
  }
}
