/** How a request arrived. */
export interface Arrival {
  /** The address of the connection's other end. */
  readonly peer: string
  /** The Host header; empty if there was none. */
  readonly host: string
  readonly scheme: 'http' | 'https'
}

/** What earlier proxies wrote about a request, as far as it is trusted. */
export interface Received {
  forwardedFor: string[]
  forwarded: string[]
  /** The other `X-Forwarded-*` headers, by lower-case name. */
  readonly others: Map<string, string>
}

/** Removes the prefix of an IPv4 address on an IPv6 socket. */
export const plainAddress = (address: string | undefined): string =>
  address === undefined ? 'unknown' : address.startsWith('::ffff:') ? address.slice(7) : address

/** The elements of a list header; commas in quotes separate nothing. */
const elements = (value: string): readonly string[] =>
  (value.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? []).map((part) => part.trim()).filter(Boolean)

/** The last `count` elements of a list header: those that trusted proxies wrote. */
export const lastElements = (value: string, count: number): string[] =>
  elements(value).slice(-count)

/**
 * The client's address: that of the connection, or with trusted proxies the one that the first of
 * them wrote.
 */
export const clientAddress = (
  peer: string,
  forwardedFor: string | undefined,
  trustedHops: number,
): string =>
  trustedHops === 0 || forwardedFor === undefined
    ? peer
    : (lastElements(forwardedFor, trustedHops)[0] ?? peer)

const node = (address: string): string => (address.includes(':') ? `"[${address}]"` : address)

const element = ({ peer, host, scheme }: Arrival): string =>
  `for=${node(peer)}${host === '' ? '' : `;host="${host}"`};proto=${scheme}`

/**
 * Appends `X-Forwarded-For`, `-Proto`, `-Host` and, if a prefix was stripped, `-Prefix`, and
 * `Forwarded` (RFC 7239) to a flat list of headers.
 */
export const addForwarded = (
  headers: string[],
  arrival: Arrival,
  received: Received | undefined,
  prefix: string | undefined,
): void => {
  const { peer, host, scheme } = arrival
  if (received === undefined) {
    headers.push('x-forwarded-for', peer, 'x-forwarded-proto', scheme)
    if (host !== '') headers.push('x-forwarded-host', host)
    if (prefix !== undefined) headers.push('x-forwarded-prefix', prefix)
    headers.push('forwarded', element(arrival))
    return
  }
  const { forwardedFor, forwarded, others } = received
  headers.push('x-forwarded-for', [...forwardedFor, peer].join(', '))
  if (!others.has('x-forwarded-proto')) headers.push('x-forwarded-proto', scheme)
  if (host !== '' && !others.has('x-forwarded-host')) headers.push('x-forwarded-host', host)
  if (prefix !== undefined) {
    const before = others.get('x-forwarded-prefix')
    others.delete('x-forwarded-prefix')
    headers.push('x-forwarded-prefix', `${before ?? ''}${prefix}`)
  }
  for (const [name, value] of others) headers.push(name, value)
  headers.push('forwarded', [...forwarded, element(arrival)].join(', '))
}
