/** The address in an endpoint. */
export interface EndpointAddress {
  /** Without the colon: `grpc`. */
  readonly scheme: string
  /** A name or an address; IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

const defaultPorts: Readonly<Record<string, number>> = { http: 80, https: 443, ws: 80, wss: 443 }

/** The address of an endpoint; `undefined` where it is no URL, or names no port. */
export const addressOf = (endpoint: string): EndpointAddress | undefined => {
  if (!URL.canParse(endpoint)) return undefined
  const { protocol, hostname: host, port: given } = new URL(endpoint)
  const scheme = protocol.slice(0, -1)
  const port = given === '' ? defaultPorts[scheme] : Number(given)
  return host === '' || port === undefined ? undefined : { scheme, host, port }
}

/**
 * The address for a format with room for one: that of the first endpoint with one of these schemes,
 * else of the first endpoint. `undefined` where that names no port.
 */
export const preferredAddress = (
  endpoints: readonly string[],
  schemes: readonly string[],
): EndpointAddress | undefined => {
  const addresses = endpoints.map(addressOf)
  const preferred = addresses.find((address) => address && schemes.includes(address.scheme))
  return preferred ?? addresses[0]
}

/** The addresses of all endpoints that name a port. */
export const addressesOf = ({
  endpoints,
}: {
  readonly endpoints: readonly string[]
}): readonly EndpointAddress[] => endpoints.flatMap((endpoint) => addressOf(endpoint) ?? [])

/** Why an instance without any address cannot be written by a format that needs one. */
export const noAddress = (instance: {
  readonly endpoints: readonly string[]
}): string | undefined =>
  addressesOf(instance).length === 0
    ? `its endpoint ${JSON.stringify(instance.endpoints[0])} names no port; expected one like http://10.0.0.7:8080`
    : undefined
