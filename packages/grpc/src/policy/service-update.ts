import { experimental } from '@grpc/grpc-js'
import type { PickerOptions } from '@sd/balancer'
import type { Staleness } from '@sd/core'
import type { ServiceView } from '../resolver/service-view.ts'

/** The name under which the load-balancing policy is registered with grpc-js. */
export const policyName = 'sd_balancer'

/**
 * The channel attribute that passes instances from the resolver to the policy, as grpc-js endpoints
 * have no attributes. The prefix excludes it from the arguments of subchannels: with another key
 * every update would reconnect.
 */
export const updateKey: string = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.sd_update`

/** The policy's settings, constant for the life of a channel. */
export interface PolicySettings {
  readonly picker: PickerOptions
  /**
   * Schemes of usable endpoints. Of each instance, the first of these schemes that it has is used.
   */
  readonly schemes: readonly string[]
  /** The call metadata whose value is the key of the pick. */
  readonly key: string | undefined
  /** How long calls that wait for a first connection also wait for the others. */
  readonly settleMs: number
}

/** What the resolver sends to the policy. */
export type ServiceUpdate =
  | {
      readonly type: 'instances'
      /** For messages: the service and its registry. */
      readonly where: string
      readonly settings: PolicySettings
      readonly view: ServiceView
      /** Set while the registry cannot be reached. */
      readonly stale: Staleness | undefined
    }
  /** The registry has not reported the service yet: calls wait. */
  | { readonly type: 'pending' }
  /** The target is invalid: no call can succeed, whatever the registry contains. */
  | { readonly type: 'refused'; readonly problem: string }
