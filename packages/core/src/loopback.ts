import type { RegistryContext } from './registry-context.ts'
import type { ServiceInstance } from './model/service-instance.ts'

const loopbackHost = /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Whether `address`, a URL or `host:port`, is on this machine's loopback interface. */
const isLoopback = (address: string): boolean => {
  const url = address.includes('://') ? address : `tcp://${address}`
  // the server of a unix socket has no host
  return URL.canParse(url) && (loopbackHost.test(new URL(url).hostname) || url.startsWith('unix:'))
}

/**
 * Warns once about an instance with a loopback address in a registry that other machines read: they
 * would call themselves. A registry on loopback itself serves one machine.
 */
export const createLoopbackWarning = ({
  driver: { servers },
  backend,
  publish,
}: RegistryContext): ((instance: ServiceInstance) => void) => {
  let due = servers !== undefined && !servers.every(isLoopback)
  return ({ service, id, endpoints }) => {
    const endpoint = due ? endpoints.find(isLoopback) : undefined
    if (endpoint === undefined) return
    due = false
    const message = `${service}/${id} is registered on ${backend} with ${endpoint}, which other machines cannot reach; use an address of this machine, such as localAddress() returns`
    publish('registration', 'warn', 'loopback-endpoint', message, { service, id, endpoint })
  }
}
