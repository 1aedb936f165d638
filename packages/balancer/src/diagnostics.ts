import { channel } from 'node:diagnostics_channel'

/** Why an instance was ejected. */
export type EjectionReason = 'consecutive-errors' | 'success-rate' | 'failure-percentage'

/** What is published on the `node:diagnostics_channel` named `balancerChannel`. */
export type BalancerEvent = {
  readonly backend: 'balancer'
  readonly service: string | undefined
} & (
  | {
      /**
       * The instance gets no calls for `forMs`. It returns at the first interval after that, or
       * earlier.
       */
      readonly event: 'instance-ejected'
      readonly id: string
      readonly reason: EjectionReason
      readonly forMs: number
    }
  | { readonly event: 'instance-returned'; readonly id: string }
  | {
      /**
       * Too few instances are well, so failing and ejected ones are picked until enough are. An
       * instance that is both counts as failing.
       */
      readonly event: 'panic-began' | 'panic-ended'
      readonly failing: number
      readonly ejected: number
      readonly instances: number
    }
  | {
      /** A filter's predicate threw. The instance counts as filtered out. */
      readonly event: 'predicate-failed'
      readonly id: string
      readonly error: unknown
    }
)

/**
 * The name of the `node:diagnostics_channel` that balancers publish `BalancerEvent` messages on.
 */
export const balancerChannel = 'sd:balancer'

/** What is published for each pick on the `node:diagnostics_channel` named `pickChannel`. */
export interface PickEvent {
  readonly backend: 'balancer'
  readonly service: string | undefined
  /** Id of the picked instance. */
  readonly id: string
}

/**
 * The name of the `node:diagnostics_channel` for picks, which is a channel of its own as there are
 * many. Each message is a `PickEvent`.
 */
export const pickChannel = 'sd:pick'

type WithoutFrame<T> = T extends BalancerEvent ? Omit<T, 'backend' | 'service'> : never

/** What a part of a picker reports. The picker adds the other fields. */
export type BalancerNews = WithoutFrame<BalancerEvent>

const events = channel(balancerChannel)
const picks = channel(pickChannel)

/** Publishes an event if the channel has subscribers. */
export const publish = (service: string | undefined, news: BalancerNews): void => {
  if (events.hasSubscribers) events.publish({ backend: 'balancer', service, ...news })
}

/** Publishes a pick if the channel has subscribers. */
export const publishPick = (service: string | undefined, id: string): void => {
  if (picks.hasSubscribers) picks.publish({ backend: 'balancer', service, id } satisfies PickEvent)
}
