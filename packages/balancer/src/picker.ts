import { type InstanceChange, type Random, RegistryError, type ServiceInstance } from '@sd/core'
import { Member } from './member.ts'
import type { PickerOptions } from './options/picker-options.ts'
import type { Outcome, Pick, PickOptions } from './pick.ts'
import { isServing } from './serving.ts'
import { createStrategy } from './strategies/create-strategy.ts'
import type { Strategy } from './strategies/strategy.ts'

/**
 * Picks among instances that its caller feeds it, without a registry. `createBalancer` stands on it;
 * use it where connections, too, decide which instances can be picked.
 */
export interface Picker extends Disposable {
  /** How many instances can be picked now. */
  readonly size: number
  /**
   * The instances that picks choose from, the suspended and ejected ones too: without those that are
   * drained, filtered out, or outside the subset. Made anew on each read.
   */
  readonly instances: readonly ServiceInstance[]
  /**
   * Takes over changes: those of a watcher, or made by the caller. What the first call brings was
   * there before, what later ones add is new (it starts slowly). Returns how `instances` changed.
   */
  apply(changes: readonly InstanceChange[]): readonly InstanceChange[]
  /** Not picked until `resume`; everything known about it is kept. For a lost connection. */
  suspend(id: string): void
  /** Ends `suspend`. */
  resume(id: string): void
  /**
   * Where one call goes; its `done` must be called when the call ends.
   * @throws RegistryError `unavailable`, saying why none can be picked; `closed`
   */
  pick(options?: PickOptions): Pick
  /** Stops its timers; picks throw `closed` from then on. */
  close(): void
}

class MemberPick implements Pick {
  readonly instance: ServiceInstance
  readonly endpoint: string
  #member: Member | undefined

  constructor(member: Member, endpoint: string) {
    this.instance = member.instance
    this.endpoint = endpoint
    this.#member = member
  }

  done(_outcome?: Outcome): void {
    const member = this.#member
    if (member === undefined) return
    this.#member = undefined
    member.inFlight -= 1
  }
}

const systemRandom = { next: () => Math.random() }

class InstancePicker implements Picker {
  readonly #members = new Map<string, Member>()
  readonly #suspended = new Set<string>()
  readonly #strategy: Strategy

  constructor(options: PickerOptions) {
    const random = (options.random ?? systemRandom) as Random
    this.#strategy = createStrategy(options.strategy ?? 'p2c', random)
  }

  get size(): number {
    return this.#strategy.size
  }

  get instances(): readonly ServiceInstance[] {
    return [...this.#members.values()].map(({ instance }) => instance).filter(isServing)
  }

  apply(changes: readonly InstanceChange[]): readonly InstanceChange[] {
    const out: InstanceChange[] = []
    for (const { type, instance } of changes) {
      const { id } = instance
      const before = this.#members.get(id)
      const previous =
        before !== undefined && isServing(before.instance) ? before.instance : undefined
      if (type === 'removed') {
        this.#members.delete(id)
        if (before?.home !== undefined) this.#strategy.remove(before)
        this.#suspended.delete(id)
      } else {
        const member = before ?? new Member(instance)
        this.#members.set(id, member)
        member.replace(instance)
        member.weight = instance.weight
        this.#place(member)
        if (member.home !== undefined) this.#strategy.reweigh(member)
      }
      const now = type !== 'removed' && isServing(instance)
      if (previous === undefined) {
        if (now) out.push({ type: 'added', instance })
      } else if (now) out.push({ type: 'updated', instance, previous })
      else out.push({ type: 'removed', instance: previous })
    }
    return out
  }

  suspend(id: string): void {
    this.#suspended.add(id)
    const member = this.#members.get(id)
    if (member !== undefined) this.#place(member)
  }

  resume(id: string): void {
    this.#suspended.delete(id)
    const member = this.#members.get(id)
    if (member !== undefined) this.#place(member)
  }

  pick(options?: PickOptions): Pick {
    const member = this.#strategy.pick(options)
    const endpoint = member?.endpointWith(options?.scheme)
    if (member === undefined || endpoint === undefined)
      throw new RegistryError('unavailable', {
        backend: 'balancer',
        operation: 'pick',
        message: 'no instance can be picked',
      })
    member.inFlight += 1
    return new MemberPick(member, endpoint)
  }

  close(): void {}

  [Symbol.dispose](): void {
    this.close()
  }

  #place(member: Member): void {
    const may = isServing(member.instance) && !this.#suspended.has(member.id)
    if (may && member.home === undefined) this.#strategy.add(member)
    else if (!may && member.home !== undefined) this.#strategy.remove(member)
  }
}

/**
 * A picker without instances.
 * @throws RegistryError `invalid-config`, naming the option at fault
 */
export const createPicker = (options: PickerOptions = {}): Picker => new InstancePicker(options)
