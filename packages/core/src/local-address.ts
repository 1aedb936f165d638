import { networkInterfaces } from 'node:os'
import { RegistryError } from './registry-error.ts'

/** Selects one of this machine's addresses. */
export interface LocalAddressOptions {
  /** Default 4. */
  readonly family?: 4 | 6 | undefined
  /** Name of the network interface, e.g. `eth0`. Default: all but the loopback. */
  readonly interface?: string | undefined
}

/**
 * Returns an address of this machine that may be reachable from others. Never used by default, as
 * only the deployment knows the right address.
 * @throws RegistryError `invalid-argument` when there is none, or several to choose from
 */
export const localAddress = (options: LocalAddressOptions = {}): string => {
  const { family = 4, interface: wanted } = options
  const found = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter(
        (address) =>
          address.family === `IPv${family}` &&
          (wanted === undefined ? !address.internal : name === wanted) &&
          // a link-local address means nothing on another machine
          !address.address.startsWith('fe80:'),
      )
      .map(({ address }) => ({ name, address })),
  )
  const [first] = found
  if (first !== undefined && new Set(found.map(({ address }) => address)).size === 1)
    return first.address
  const list = found.map(({ name, address }) => `${address} (${name})`).join(', ')
  throw new RegistryError('invalid-argument', {
    backend: 'core',
    operation: 'local-address',
    message:
      first === undefined
        ? `no IPv${family} address found${wanted === undefined ? '' : ` on interface ${wanted}`}; name the host in the endpoint`
        : `this machine has several addresses: ${list}; name the interface, or the host in the endpoint`,
  })
}
