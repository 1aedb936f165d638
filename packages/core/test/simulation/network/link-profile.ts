/** How a connection treats messages. Delays in milliseconds, chances in [0, 1]. */
export interface LinkProfile {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  readonly lostRequests: number
  readonly lostReplies: number
  /** The chance that a request is delayed and arrives after later ones. */
  readonly stragglers: number
}

/** A connection without faults. */
export const goodLink: LinkProfile = {
  minDelayMs: 0,
  maxDelayMs: 8,
  lostRequests: 0,
  lostReplies: 0,
  stragglers: 0,
}

/** The longest delay of a straggler, and of a message that a partition held back. */
export const longestDelayMs = 900
