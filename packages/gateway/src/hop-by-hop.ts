// RFC 9110, 7.6.1; `Expect` is answered here, `Proxy` would become HTTP_PROXY in a CGI program
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'http2-settings',
  'proxy',
])

/** Whether a header, by its lower-case name, concerns only one connection. */
export const isHopByHop = (name: string): boolean =>
  connectionHeaders.has(name) || name.startsWith('proxy-')

/** The lower-case names that the `Connection` headers of a message list. */
export const connectionListed = (raw: readonly string[]): ReadonlySet<string> | undefined => {
  let listed: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = raw[i + 1] as string
    // the usual values list nothing that is not dropped anyway
    if (value === 'keep-alive' || value === 'close') continue
    for (const token of value.split(',')) (listed ??= new Set()).add(token.trim().toLowerCase())
  }
  return listed
}
