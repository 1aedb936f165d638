const leastMs = 250
const mostMs = 1_000

/**
 * How long one host may take from the first packet until the login is done. All hosts together get
 * half of the session's timeout, so that a silent one does not cost the session. Each further round
 * over all hosts doubles it, up to half of the timeout, as servers that are only slow need longer.
 */
export const patienceMs = (sessionTimeoutMs: number, hosts: number, round: number): number => {
  const half = sessionTimeoutMs / 2
  const first = Math.min(mostMs, Math.max(leastMs, half / Math.max(2, hosts)))
  return Math.min(first * 2 ** Math.min(round, 10), Math.max(first, half))
}
