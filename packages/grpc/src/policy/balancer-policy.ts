import { type ChannelOptions, connectivityState, type experimental } from '@grpc/grpc-js'
import { createPicker, type Picker } from '@sd/balancer'
import type { InstanceChange, ServiceInstance } from '@sd/core'
import { grpcAddress } from '../resolver/grpc-address.ts'
import { CallableInstances } from './callable-instances.ts'
import { queuePicker, refusingPicker, unavailablePicker } from './pickers.ts'
import { ReadyPicker } from './ready-picker.ts'
import { policyName, type ServiceUpdate, updateKey } from './service-update.ts'
import { type ChildState, SubchannelChild } from './subchannel-child.ts'
import { whyNone, whyUnreachable } from './why-unavailable.ts'

const { CONNECTING, IDLE, READY, TRANSIENT_FAILURE } = connectivityState
type InstancesUpdate = Extract<ServiceUpdate, { readonly type: 'instances' }>
type Helper = experimental.ChannelControlHelper

/** The policy's configuration, which is empty: the settings come with the instances. */
export class BalancerPolicyConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return policyName
  }
  toJsonObject(): object {
    return { [policyName]: {} }
  }
  static createFromJson(): BalancerPolicyConfig {
    return new BalancerPolicyConfig()
  }
}

/** What a policy uses from its first instances on. */
interface Parts {
  readonly callable: CallableInstances
  readonly picker: Picker
  readonly readyPicker: ReadyPicker
}

/**
 * The load-balancing policy of one channel: keeps a connection to each instance that the balancer
 * may pick, across updates, and picks among the ready ones for each call.
 */
export class BalancerPolicy implements experimental.LoadBalancer {
  readonly #helper: Helper
  readonly #children = new Map<string, SubchannelChild>()
  readonly #counts: Record<ChildState, number> = { connecting: 0, ready: 0, failed: 0 }
  #update: InstancesUpdate | undefined
  #parts: Parts | undefined
  #state: connectivityState = IDLE
  #settling: NodeJS.Timeout | undefined
  /** Set while many children change: no picker is published. */
  #busy = false

  constructor(helper: Helper) {
    this.#helper = helper
  }

  updateAddressList(
    endpoints: experimental.StatusOr<experimental.Endpoint[]>,
    _config: experimental.TypedLoadBalancingConfig,
    channelOptions: ChannelOptions,
  ): boolean {
    const update = channelOptions[updateKey] as ServiceUpdate | undefined
    if (update === undefined)
      this.#refuse(`the policy ${policyName} is for targets that @sd/grpc resolves`)
    else if (update.type === 'refused') this.#refuse(update.problem)
    else if (update.type === 'pending') this.#tell(CONNECTING, queuePicker, null)
    else if (endpoints.ok) this.#take(update, channelOptions)
    // the last known instances stay in use
    else if (this.#children.size === 0) this.#fail(endpoints.error.details)
    return true
  }

  exitIdle(): void {
    // the policy always keeps its connections
  }

  resetBackoff(): void {
    for (const { state, subchannel } of this.#children.values())
      if (state === 'failed') subchannel.getRealSubchannel().resetBackoff()
  }

  destroy(): void {
    clearTimeout(this.#settling)
    for (const child of this.#children.values()) child.destroy()
    this.#children.clear()
    this.#parts?.readyPicker.close()
    this.#parts?.picker.close()
  }

  getTypeName(): string {
    return policyName
  }

  #take(update: InstancesUpdate, channelOptions: ChannelOptions): void {
    this.#update = update
    const { callable, picker } = (this.#parts ??= this.#createParts(update))
    this.#busy = true
    for (const change of picker.apply(callable.follow(update.view)))
      this.#takeChange(change, channelOptions, update.settings.schemes)
    this.#busy = false
    this.#publish()
  }

  #createParts({ settings }: InstancesUpdate): Parts {
    const picker = createPicker(settings.picker)
    const readyPicker = new ReadyPicker(picker, this.#children, settings.key)
    return { callable: new CallableInstances(settings.schemes), picker, readyPicker }
  }

  #takeChange(
    { type, instance }: InstanceChange,
    channelOptions: ChannelOptions,
    schemes: readonly string[],
  ): void {
    const child = this.#children.get(instance.id)
    const address = grpcAddress(instance, schemes)
    if (type !== 'removed' && address !== undefined && child?.address.text === address.text) {
      child.instance = instance
      // the picker may treat it as a new instance
      if (child.state !== 'ready') this.#parts?.picker.suspend(instance.id)
      return
    }
    if (child !== undefined) this.#disconnect(child)
    if (type !== 'removed' && address !== undefined)
      this.#connect(instance, new SubchannelChild(instance, address, channelOptions, this.#helper))
  }

  #connect(instance: ServiceInstance, child: SubchannelChild): void {
    this.#children.set(instance.id, child)
    this.#counts.connecting += 1
    this.#parts?.picker.suspend(instance.id)
    child.connect((before) => this.#follow(child, before))
  }

  #disconnect(child: SubchannelChild): void {
    this.#counts[child.state] -= 1
    this.#children.delete(child.instance.id)
    child.destroy()
  }

  #follow(child: SubchannelChild, before: ChildState): void {
    this.#counts[before] -= 1
    this.#counts[child.state] += 1
    const { picker } = this.#parts ?? {}
    if (child.state === 'ready') picker?.resume(child.instance.id)
    else if (before === 'ready') {
      picker?.suspend(child.instance.id)
      this.#helper.requestReresolution()
    }
    if (!this.#busy) this.#publish()
  }

  #publish(): void {
    const { connecting, ready, failed } = this.#counts
    if (this.#parts === undefined || this.#update === undefined) return
    if (ready > 0 && (connecting === 0 || this.#state === READY || this.#hasSettled()))
      return this.#tell(READY, this.#parts.readyPicker, null)
    if (ready === 0) this.#endSettling()
    if (connecting > 0) return this.#tell(CONNECTING, queuePicker, null)
    if (failed > 0) this.#fail(whyUnreachable(this.#update, this.#children))
    else this.#fail(whyNone(this.#update, this.#parts.callable.size, this.#parts.picker))
  }

  /**
   * Whether queued calls have waited long enough for further connections. Without this wait, all
   * queued calls would go to the instance that answers first.
   */
  #hasSettled(): boolean {
    const settleMs = this.#update?.settings.settleMs ?? 0
    if (settleMs === 0) return true
    if (this.#settling !== undefined) return false
    this.#settling = setTimeout(() => {
      if (this.#counts.ready > 0 && this.#parts !== undefined)
        this.#tell(READY, this.#parts.readyPicker, null)
    }, settleMs).unref()
    return false
  }

  #endSettling(): void {
    clearTimeout(this.#settling)
    this.#settling = undefined
  }

  #fail(details: string): void {
    this.#tell(TRANSIENT_FAILURE, unavailablePicker(details), details)
  }

  #refuse(problem: string): void {
    this.#tell(TRANSIENT_FAILURE, refusingPicker(problem), problem)
  }

  #tell(state: connectivityState, picker: experimental.Picker, error: string | null): void {
    if (state !== CONNECTING) this.#endSettling()
    this.#state = state
    this.#helper.updateState(state, picker, error)
  }
}
