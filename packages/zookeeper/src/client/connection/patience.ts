const leastMs = 250
const mostMs = 1_500

/**
 * How long one host may take from the first packet until the login is done, where that many `hosts` are
 * tried one after the other. A round over all of them takes half of the session's timeout at most, so that
 * silent ones do not cost the session. Each round in which hosts stayed silent doubles it, up to the whole
 * timeout, as servers that are only slow, like one that has just started and serves TLS, need longer.
 */
export const patienceMs = (sessionTimeoutMs: number, hosts: number, rounds: number): number => {
  const first = Math.min(mostMs, Math.max(leastMs, sessionTimeoutMs / 2 / hosts))
  return Math.min(first * 2 ** Math.min(rounds, 10), Math.max(first, sessionTimeoutMs / hosts))
}
