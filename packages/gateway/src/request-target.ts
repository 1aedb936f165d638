/** Segments after decoding what servers decode before they resolve `..`. */
const segments = /\/|\\|%2f|%5c/i
const dots = /^(\.|%2e){1,2}$/i

/**
 * Why a request's target is refused; `undefined`: it is the path of a resource. Absolute targets
 * are for forward proxies. Dot segments, also encoded ones, could leave the route's prefix once the
 * instance resolves them.
 */
export const targetProblem = (target: string): string | undefined => {
  if (!target.startsWith('/'))
    return 'the request target is not a path: absolute targets and "*" are not forwarded'
  const end = target.indexOf('?')
  const path = end === -1 ? target : target.slice(0, end)
  if (target.includes('#')) return 'the request target has a fragment'
  // most paths have neither a dot nor an escape
  if (!path.includes('.') && !path.includes('%')) return undefined
  return path.split(segments).some((segment) => dots.test(segment))
    ? 'the path has "." or ".." segments'
    : undefined
}

// RFC 3986, 3.2.2, without user information; `[…]` for IPv6
const hostPattern = /^(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(:\d{0,5})?$/i

/** Whether a Host header names a host, and optionally a port. */
export const isHost = (host: string): boolean => host.length <= 260 && hostPattern.test(host)

/** The host without its port, in lower case. */
export const hostName = (host: string): string => {
  const name = host.toLowerCase()
  const end = name.startsWith('[') ? name.indexOf(']') + 1 : name.indexOf(':')
  return end <= 0 ? name : name.slice(0, end)
}
