/** How a connection treats what is sent over it. Delays in milliseconds, chances in [0, 1]. */
export interface LinkProfile {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  readonly lostRequests: number
  readonly lostReplies: number
  /** Requests that take another, slower way, and so arrive after later ones. */
  readonly stragglers: number
}

/** A connection with nothing wrong. */
export const goodLink: LinkProfile = {
  minDelayMs: 0,
  maxDelayMs: 8,
  lostRequests: 0,
  lostReplies: 0,
  stragglers: 0,
}

/** The longest that a straggler, or what a partition kept back, is on its way after that. */
export const longestDelayMs = 900
