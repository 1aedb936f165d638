import { type InstanceChange, RegistryError, type ServiceInstance, type Staleness } from '@sd/core'
import { type BalancerNews, publish, publishPick } from './diagnostics.ts'
import { type CompiledFilter, compileFilter } from './filter/compile-filter.ts'
import { Member, refusalOf, type Strategy } from './member.ts'
import { MemberPick, TimedPick } from './member-pick.ts'
import { NetChanges } from './net-changes.ts'
import { OptionCheck } from './options/option-check.ts'
import type { PickerOptions } from './options/picker-options.ts'
import { pickerOptionKeys, resolveOptions } from './options/resolve-options.ts'
import { OutlierDetection } from './outlier/outlier-detection.ts'
import { Panic } from './panic.ts'
import { checkRequest, type Outcome, type Pick, type PickOptions } from './pick.ts'
import type { Picker } from './picker.ts'
import { SlowStart } from './slow-start.ts'
import { createStrategy } from './strategies/create-strategy.ts'
import { Subset } from './subset.ts'
import { unavailable } from './unavailable.ts'

/** The state of the view that the instances come from. */
export interface ViewState {
  readonly unsynced: boolean
  readonly stale: Staleness | undefined
}

const keepsAnEndpoint = (before: ServiceInstance, after: ServiceInstance): boolean =>
  before.endpoints.length === 0 ||
  after.endpoints.some((endpoint) => before.endpoints.includes(endpoint))

/**
 * Moves members through the stages below when something changes, never at a pick:
 * registered ▸ takes calls according to its record ▸ passes the filter ▸ in the subset (`wanted`)
 * ▸ neither suspended, failing, draining nor ejected (in the strategy).
 */
export class InstancePicker implements Picker {
  readonly #members = new Map<string, Member>()
  readonly #strategy: Strategy
  readonly #filter: CompiledFilter | undefined
  readonly #subset: Subset | undefined
  readonly #slowStart: SlowStart | undefined
  readonly #outlier: OutlierDetection | undefined
  readonly #panic: Panic
  readonly #timed: boolean
  readonly #nowMs: () => number
  readonly #view: (() => ViewState) | undefined
  #service: string | undefined
  /** The first changes were applied. Instances in later changes are new. */
  #begun = false
  #closed: RegistryError | undefined
  /** Set while changes are applied: records how `instances` changes. */
  #net: NetChanges | undefined

  constructor(options: PickerOptions, operation: string, view?: () => ViewState) {
    const check = new OptionCheck(operation, undefined)
    check.object('', options, pickerOptionKeys)
    const resolved = resolveOptions(check, options)
    const { service, filter, subset, slowStart, outlier, panicPercent, clock } = resolved
    this.#service = service
    this.#view = view
    if (filter !== undefined)
      this.#filter = compileFilter(filter, check, (error, { id }) =>
        this.#tell({ event: 'predicate-failed', id, error }),
      )
    if (subset !== undefined)
      this.#subset = new Subset(subset.size, subset.clientId, (member, wanted) =>
        this.#want(member, wanted),
      )
    if (slowStart !== undefined)
      this.#slowStart = new SlowStart(slowStart, clock, (member, warmth) =>
        this.#warm(member, warmth),
      )
    if (outlier !== undefined)
      this.#outlier = new OutlierDetection({
        options: outlier,
        clock,
        onChange: (member) => this.#place(member),
        tell: (news) => this.#tell(news),
      })
    this.#panic = new Panic({
      panicPercent,
      onChange: (member) => this.#putOrRemove(member),
      tell: (news) => this.#tell(news),
    })
    this.#strategy = createStrategy(resolved)
    this.#timed = this.#strategy.timed
    this.#nowMs = () => clock.monotonicMs()
  }

  get size(): number {
    return this.#strategy.size
  }

  get instances(): readonly ServiceInstance[] {
    const instances: ServiceInstance[] = []
    for (const { wanted, instance } of this.#members.values()) if (wanted) instances.push(instance)
    return instances
  }

  get available(): readonly ServiceInstance[] {
    const instances: ServiceInstance[] = []
    for (const { home, instance } of this.#members.values())
      if (home !== undefined) instances.push(instance)
    return instances
  }

  apply(changes: readonly InstanceChange[]): readonly InstanceChange[] {
    // otherwise timers would be set again
    if (this.#closed !== undefined) return []
    const net = new NetChanges()
    this.#net = net
    this.#panic.afterAll(() => {
      for (const change of changes) this.#applyOne(change)
    })
    this.#begun = true
    this.#net = undefined
    return net.changes((id) => this.#present(id))
  }

  suspend(id: string): void {
    this.#suspend(id, true)
  }

  resume(id: string): void {
    this.#suspend(id, false)
  }

  pick(options?: PickOptions): Pick {
    if (this.#closed !== undefined) throw this.#closed
    if (options !== undefined) checkRequest(options, this.#service)
    const nowMs = this.#timed ? this.#nowMs() : 0
    const member = this.#strategy.pick(options, nowMs)
    const endpoint = member?.endpointWith(options?.scheme)
    if (member === undefined || endpoint === undefined) throw this.#unavailable(options)
    member.inFlight += 1
    publishPick(this.#service, member.id)
    return this.#timed ? new TimedPick(member, endpoint, nowMs) : new MemberPick(member, endpoint)
  }

  /** A call to the member has ended. */
  settle(member: Member, outcome: Outcome | undefined, startedMs: number): void {
    member.inFlight -= 1
    const failed = outcome?.error !== undefined
    const { home } = member
    if (home !== undefined) {
      if (this.#timed) {
        const nowMs = this.#nowMs()
        const given = outcome?.latencyMs
        const usable = given !== undefined && given >= 0 && Number.isFinite(given)
        const latencyMs = usable ? given : nowMs - startedMs
        home.settled(member, nowMs, latencyMs, failed)
      } else home.settled(member, 0, 0, failed)
    }
    if (this.#closed === undefined) this.#outlier?.settled(member, failed)
  }

  close(): void {
    this.end('the picker was closed')
  }

  /** Closes the picker with a reason. */
  end(message: string, cause?: unknown): void {
    this.#closed ??= new RegistryError('closed', {
      backend: 'balancer',
      operation: 'pick',
      service: this.#service,
      message,
      cause,
    })
    this.#slowStart?.close()
    this.#outlier?.close()
  }

  /** Why picks throw `closed`; `undefined` while it is open. */
  get closed(): RegistryError | undefined {
    return this.#closed
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #applyOne({ type, instance }: InstanceChange): void {
    this.#service ??= instance.service
    const member = this.#members.get(instance.id)
    if (type === 'removed') {
      if (member !== undefined) this.#remove(member)
    } else if (member === undefined) this.#add(instance, false)
    else if (keepsAnEndpoint(member.instance, instance)) this.#update(member, instance)
    else {
      this.#remove(member)
      this.#add(instance, member.suspended)
    }
  }

  #add(instance: ServiceInstance, suspended: boolean): void {
    const member = new Member(instance, this)
    member.suspended = suspended
    this.#members.set(member.id, member)
    member.refusal = this.#refusal(instance)
    this.#admit(member)
  }

  #remove(member: Member): void {
    this.#dismiss(member)
    this.#slowStart?.forget(member)
    this.#members.delete(member.id)
  }

  #update(member: Member, instance: ServiceInstance): void {
    const before = member.instance
    const refusal = this.#refusal(instance)
    // must come first: a strategy uses the member's fields to remove it
    if (refusal !== undefined) this.#dismiss(member)
    else if (before.zone !== instance.zone) this.#unplace(member)
    if (member.wanted) this.#touch(member)
    member.replace(instance)
    this.#reweigh(member)
    const returns = member.refusal !== undefined && refusal === undefined
    member.refusal = refusal
    if (returns) this.#admit(member)
    else {
      this.#start(member)
      this.#place(member)
    }
  }

  #refusal(instance: ServiceInstance): string | undefined {
    const own = refusalOf(instance)
    if (own !== undefined) return own
    const condition = this.#filter?.refusal(instance)
    return condition === undefined ? undefined : `filtered out by ${condition}`
  }

  /** Adds a member without a refusal to the subset; without a subset, wants it immediately. */
  #admit(member: Member): void {
    if (member.refusal !== undefined) return
    if (this.#subset === undefined) this.#want(member, true)
    else this.#subset.add(member)
  }

  #dismiss(member: Member): void {
    if (member.refusal !== undefined) return
    if (this.#subset === undefined) this.#want(member, false)
    else this.#subset.remove(member)
  }

  #want(member: Member, wanted: boolean): void {
    this.#touch(member)
    member.wanted = wanted
    this.#start(member)
    this.#count(member)
  }

  /** Begins the slow start of a member that can take calls for the first time. */
  #start(member: Member): void {
    if (member.started || !member.wanted || member.failing) return
    member.started = true
    if (this.#begun) this.#slowStart?.begin(member)
  }

  #suspend(id: string, suspended: boolean): void {
    const member = this.#members.get(id)
    if (member === undefined || member.suspended === suspended) return
    if (this.#closed !== undefined) return
    member.suspended = suspended
    this.#count(member)
  }

  /** Adds the member to the strategy and outlier detection, or removes it. */
  #count(member: Member): void {
    if (member.wanted && !member.suspended) {
      this.#outlier?.enter(member)
      this.#place(member)
    } else {
      this.#place(member)
      this.#outlier?.leave(member)
    }
  }

  #place(member: Member): void {
    this.#panic.set(member, this.#standingOf(member))
    this.#putOrRemove(member)
  }

  #standingOf(member: Member): Member['standing'] {
    if (!member.wanted || member.suspended) return undefined
    if (member.instance.health === 'draining') return 'draining'
    const ejected = this.#outlier?.hasEjected(member) ?? false
    return member.failing || ejected ? 'unwell' : 'well'
  }

  #putOrRemove(member: Member): void {
    if (!this.#panic.admits(member)) this.#unplace(member)
    else if (member.home === undefined) this.#strategy.add(member)
  }

  #unplace(member: Member): void {
    if (member.home !== undefined) this.#strategy.remove(member)
  }

  #warm(member: Member, warmth: number): void {
    member.warmth = warmth
    this.#reweigh(member)
  }

  #reweigh(member: Member): void {
    const before = member.weight
    const weight = member.instance.weight * member.warmth
    if (weight === before) return
    member.weight = weight
    if (member.home !== undefined) this.#strategy.reweigh(member, before)
  }

  #touch({ id, wanted, instance }: Member): void {
    this.#net?.touch(id, wanted ? instance : undefined)
  }

  #present(id: string): ServiceInstance | undefined {
    const member = this.#members.get(id)
    return member?.wanted === true ? member.instance : undefined
  }

  #unavailable(request: PickOptions | undefined): RegistryError {
    const view = this.#view?.()
    return unavailable({
      service: this.#service,
      members: this.#members.values(),
      request,
      unsynced: view?.unsynced ?? false,
      stale: view?.stale,
    })
  }

  #tell(news: BalancerNews): void {
    publish(this.#service, news)
  }
}

/**
 * A picker without instances.
 * @throws RegistryError `invalid-config`, naming the option at fault
 */
export const createPicker = (options: PickerOptions = {}): Picker =>
  new InstancePicker(options, 'create picker')
