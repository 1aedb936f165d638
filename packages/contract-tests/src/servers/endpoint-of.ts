import type { Server } from 'node:net'

/** `127.0.0.1:port` of a server that listens there; empty if it does not listen. */
export const endpointOf = (server: Server): string => {
  const address = server.address()
  return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
}
