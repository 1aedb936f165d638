import { experimental } from '@grpc/grpc-js'
import type { PickerOptions } from '@sd/balancer'
import type { Staleness } from '@sd/core'
import type { ServiceView } from '../resolver/service-view.ts'

/** The name under which the load-balancing policy is registered with grpc-js. */
export const policyName = 'sd_balancer'

/**
 * The channel attribute by which the resolver hands instances to the policy, as grpc-js endpoints
 * carry no attributes. The prefix keeps it out of the arguments of subchannels: with another key
 * every update would connect anew.
 */
export const updateKey: string = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.sd_update`

/** How the policy goes about it, the same for the life of a channel. */
export interface PolicySettings {
  readonly picker: PickerOptions
  /** Which endpoints are used: of each instance the first of these schemes that it has. */
  readonly schemes: readonly string[]
  /** The call metadata whose value is the key of the pick. */
  readonly key: string | undefined
  /** How long calls that wait for a first connection wait for the others. */
  readonly settleMs: number
}

/** What the resolver tells the policy. */
export type ServiceUpdate =
  | {
      readonly type: 'instances'
      /** For messages: the service, and where it was looked for. */
      readonly where: string
      readonly settings: PolicySettings
      readonly view: ServiceView
      /** Set while the registry cannot be reached. */
      readonly stale: Staleness | undefined
    }
  /** The target makes no sense: no call can succeed, whatever the registry says. */
  | { readonly type: 'refused'; readonly problem: string }
