/** The kinds of violations; each check reports under its own. */
export type ViolationKind =
  | 'lost'
  | 'missing'
  | 'ghost'
  | 'blink'
  | 'wrong-winner'
  | 'inconsistent-events'
  | 'stale-view'
  | 'pending-call'
  | 'wrong-failure'
  | 'busy-loop'
  | 'process-ended'
  | 'slow-close'

/** One guarantee that did not hold. */
export interface Violation {
  readonly kind: ViolationKind
  /** The id of the guarantee in docs/guarantees.md, or the section that states the rule. */
  readonly guarantee: string
  readonly atMs: number
  /** What was promised, and what happened instead. */
  readonly message: string
  /** The id (`service/id`), or the service, that it is about. */
  readonly key?: string
  readonly process?: string
  readonly watcher?: string
}
