import type { ServiceInstance } from '@sd/core'

/** An address that grpc-js connects to. */
export interface GrpcAddress {
  readonly host: string
  readonly port: number
  /** `host:port`, with brackets around IPv6. */
  readonly text: string
  /** The scheme of its endpoint, in lower case. */
  readonly scheme: string
}

/** Default ports for URLs without one. gRPC's own default is 443. */
const defaultPorts: Readonly<Record<string, number>> = { http: 80 }
const defaultPort = 443

/**
 * The address of the instance's endpoint with the first of these schemes that it has; `undefined`
 * if it has none.
 */
export const grpcAddress = (
  { endpoints }: ServiceInstance,
  schemes: readonly string[],
): GrpcAddress | undefined => {
  for (const scheme of schemes) {
    const endpoint = endpoints.find((url) => url.toLowerCase().startsWith(`${scheme}:`))
    if (endpoint === undefined) continue
    const url = URL.parse(endpoint)
    // other programs also write records
    if (url === null || url.hostname === '') return undefined
    const port = url.port === '' ? (defaultPorts[scheme] ?? defaultPort) : Number(url.port)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return { host, port, text: `${url.hostname}:${port}`, scheme }
  }
  return undefined
}
