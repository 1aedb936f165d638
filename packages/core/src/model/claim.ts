/**
 * Who holds an id, since when, and with which edit. Claims order registrations across recovery:
 * `claimedAtMs` is fixed when `register` is called, so an old registration that is written again
 * after an outage never replaces a newer one.
 */
export interface Claim {
  /** The registry (one per process, usually) that registered the instance. */
  readonly owner: string
  /** Epoch milliseconds of the registration; after a takeover at least the old claim's value + 1. */
  readonly claimedAtMs: number
  /** Counts the owner's edits of this registration. */
  readonly seq: number
}

/** Orders claims by `claimedAtMs`, ties by `owner`, then `seq`: positive when `a` is the higher claim. */
export const compareClaims = (a: Claim, b: Claim): number => {
  if (a.claimedAtMs !== b.claimedAtMs) return a.claimedAtMs - b.claimedAtMs
  if (a.owner !== b.owner) return a.owner < b.owner ? -1 : 1
  return a.seq - b.seq
}

/** Whether `candidate` may replace `holder`: the same owner always may, else the higher claim wins. */
export const claimWins = (candidate: Claim, holder: Claim | undefined): boolean =>
  holder === undefined || candidate.owner === holder.owner || compareClaims(candidate, holder) > 0
