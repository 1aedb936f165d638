import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { localAddress, RegistryError } from '@sd/core'

/** How to find the address of this process. */
export interface OwnAddressOptions {
  /** The address at which others reach this process, if known. */
  readonly host?: string | undefined
  /** A host that this machine has a route to, usually the registry's: `etcd-1`, `10.0.0.1`. */
  readonly towards?: string | undefined
}

/** The source address of packets to `host`. Connecting a UDP socket sends nothing (udp(7)). */
const sourceAddress = async (host: string): Promise<string> => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  try {
    const connected = once(socket, 'connect')
    socket.connect(discardPort, host)
    await connected
    return socket.address().address
  } finally {
    socket.close()
  }
}

/** RFC 863. Any port works, because nothing is sent. */
const discardPort = 9

/**
 * The address at which others reach this process, in URL form (IPv6 in brackets). The first of:
 * `host`; the environment variable `SD_HOST`; the source address of packets to `towards`; the only
 * address of this machine (`localAddress`, which throws if there are several).
 *
 * In Kubernetes set `SD_HOST` from `status.podIP`. Set it too behind a published port of Docker,
 * where no process can find its address.
 *
 * @throws RegistryError `invalid-argument` when `towards` has no route, or there is no single address
 */
export const ownAddress = async ({ host, towards }: OwnAddressOptions = {}): Promise<string> => {
  const given = host ?? process.env['SD_HOST']
  if (given !== undefined && given !== '') return bracketed(given)
  if (towards === undefined) return bracketed(localAddress())
  try {
    return bracketed(await sourceAddress(towards))
  } catch (cause) {
    throw new RegistryError('invalid-argument', {
      backend: 'core',
      operation: 'own-address',
      message: `no route to ${JSON.stringify(towards)}: ${(cause as Error).message}; name the host, or set SD_HOST`,
      cause,
    })
  }
}

const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host)
