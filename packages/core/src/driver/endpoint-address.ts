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

/** The addresses of all endpoints that name a port. */
export const addressesOf = (endpoints: readonly string[]): readonly EndpointAddress[] =>
  endpoints.flatMap((endpoint) => addressOf(endpoint) ?? [])

/**
 * The address for a format with room for one: that of an endpoint with the first of these schemes that
 * there is, else of the first endpoint. `undefined` where no endpoint names a port.
 */
export const preferredAddress = (
  endpoints: readonly string[],
  schemes: readonly string[],
): EndpointAddress | undefined => {
  const addresses = addressesOf(endpoints)
  for (const scheme of schemes) {
    const preferred = addresses.find((address) => address.scheme === scheme)
    if (preferred) return preferred
  }
  return addresses[0]
}

/** Why an instance without any address cannot be written by a format that needs one. */
export const noAddress = ({
  endpoints,
}: {
  readonly endpoints: readonly string[]
}): string | undefined =>
  addressesOf(endpoints).length === 0
    ? `its endpoint ${JSON.stringify(endpoints[0])} names no port; expected one like grpc://10.0.0.7:9090`
    : undefined

/** An address as a URL has it: IPv6 in brackets. */
export const urlHost = (address: string): string =>
  address.includes(':') && !address.startsWith('[') ? `[${address}]` : address

/** An address as it is outside of URLs: IPv6 without brackets. */
export const bareHost = (host: string): string => host.replaceAll(/^\[|\]$/g, '')
