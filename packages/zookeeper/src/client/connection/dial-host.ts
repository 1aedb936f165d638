import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions as SecureOptions } from 'node:tls'
import type { Host } from './host-rotation.ts'

/**
 * Begins a connection to a host: over TLS with `secure`, which may name the server, and plain without. It
 * is usable from the event `secureConnect`, or `connect`, on.
 */
export const dialHost = ({ host, port }: Host, secure: SecureOptions | undefined): Socket => {
  const to = { host, port, noDelay: true, keepAlive: true }
  if (secure === undefined) return connect(to)
  // an address is no server name (RFC 6066)
  const servername = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({ ...servername, ...secure, ...to })
}

/** The event from which on a socket of `dialHost` is usable. */
export const readyEvent = (secure: SecureOptions | undefined): 'secureConnect' | 'connect' =>
  secure === undefined ? 'connect' : 'secureConnect'
