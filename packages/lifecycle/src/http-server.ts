import type { ListenOptions } from 'node:net'
import { once } from 'node:events'
import { Server as TlsServer } from 'node:tls'
import { type AnyHttpServer, HttpDrain } from './drain-http.ts'
import type { ListeningPort, ServiceServer } from './service-server.ts'

const wildcards: ReadonlySet<string> = new Set(['0.0.0.0', '::', ''])

/** The port that a Node server listens on. Throws if it is not a TCP port. */
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
 * default: any free port. The server must not be listening yet.
 *
 * Draining answers the requests in progress with `Connection: close` (HTTP/2: GOAWAY), closes idle
 * connections at once, and unused ones after a moment, as their first request may be on its way. End upgraded connections (WebSockets) in `onDrain`.
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
