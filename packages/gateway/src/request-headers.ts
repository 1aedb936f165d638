import { addForwarded, type Arrival, lastElements, type Received } from './forwarded.ts'
import { connectionListed, isHopByHop } from './hop-by-hop.ts'

/** What the request's headers depend on besides the request. */
export interface HeaderOptions {
  /** How many proxies in front are trusted to report where a request came from. */
  readonly trustedHops: number
  /** The prefix that the route strips. */
  readonly prefix: string | undefined
  /** The protocol for `Via`: `1.1`. */
  readonly protocol: string
}

const receive = (received: Received, name: string, value: string, trustedHops: number): void => {
  if (name === 'x-forwarded-for')
    received.forwardedFor = [...received.forwardedFor, ...lastElements(value, trustedHops)].slice(
      -trustedHops,
    )
  else if (name === 'forwarded')
    received.forwarded = [...received.forwarded, ...lastElements(value, trustedHops)].slice(
      -trustedHops,
    )
  else received.others.set(name, value)
}

const isForwarded = (name: string): boolean =>
  name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-')

/**
 * The headers for an instance, as a flat list, with the client's Host. Leaves out what concerns
 * only the client's connection: hop-by-hop headers, those that `Connection` lists, pseudo headers of
 * HTTP/2. No `Transfer-Encoding` is forwarded: the body is framed anew.
 *
 * What a client says about earlier proxies is replaced, unless they are trusted. Names are compared
 * with `_` as `-`, because CGI and WSGI programs cannot tell them apart.
 */
export const requestHeaders = (
  raw: readonly string[],
  arrival: Arrival,
  { trustedHops, prefix, protocol }: HeaderOptions,
): string[] => {
  const listed = connectionListed(raw)
  const headers = arrival.host === '' ? [] : ['host', arrival.host]
  let received: Received | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const given = raw[i] as string
    const lower = given.toLowerCase()
    const name = lower.includes('_') ? lower.replaceAll('_', '-') : lower
    if (name === 'host' || name.startsWith(':') || isHopByHop(name) || listed?.has(lower)) continue
    if (!isForwarded(name)) headers.push(given, raw[i + 1] as string)
    else if (trustedHops > 0 && name === lower)
      receive(
        (received ??= { forwardedFor: [], forwarded: [], others: new Map() }),
        name,
        raw[i + 1] as string,
        trustedHops,
      )
  }
  addForwarded(headers, arrival, received, prefix)
  headers.push('via', `${protocol} sd-gateway`)
  return headers
}
