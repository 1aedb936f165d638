import { experimental } from '@grpc/grpc-js'
import type { Pick, Picker } from '@sd/balancer'
import { RegistryError } from '@sd/core'
import { callFailure } from '../call-failures.ts'
import { publishedCallOf } from '../resolver/call-configs.ts'
import { unavailable } from './pickers.ts'
import type { SubchannelChild } from './subchannel-child.ts'
import { UnstartedPicks } from './unstarted-picks.ts'

type PickArgs = experimental.PickArgs
type PickResult = experimental.PickResult

/** The key under which the first attempt stores its instance's id, so that a retry can avoid it. */
const firstTriedKey = 'sd.first_tried'

/**
 * Picks a ready instance for each attempt of a call, and reports the outcome to the balancer. A
 * retry goes to another instance while there is one.
 */
export class ReadyPicker implements experimental.Picker {
  readonly #picker: Picker
  readonly #children: ReadonlyMap<string, SubchannelChild>
  readonly #key: string | undefined
  readonly #unstarted = new UnstartedPicks()
  /**
   * The tried instances of each retried call. grpc-js passes one `extraPickInfo` to all attempts of
   * a call, and a different one for each call.
   */
  readonly #tried = new WeakMap<PickArgs['extraPickInfo'], Set<string>>()

  constructor(
    picker: Picker,
    children: ReadonlyMap<string, SubchannelChild>,
    key: string | undefined,
  ) {
    this.#picker = picker
    this.#children = children
    this.#key = key
  }

  /** Picks whose calls have not started. */
  get unstarted(): number {
    return this.#unstarted.size
  }

  pick(args: PickArgs): PickResult {
    let pick: Pick
    try {
      pick = this.#pick(args)
    } catch (error) {
      if (error instanceof RegistryError) return unavailable(error.message)
      throw error
    }
    const child = this.#children.get(pick.instance.id)
    if (child === undefined) {
      // unreachable: the picker has only ready instances, and each of them has a connection
      pick.done()
      return unavailable(`instance ${pick.instance.id} has no connection`)
    }
    const { scheme, text } = child.address
    publishedCallOf(args.extraPickInfo)?.picked(pick.instance.id, `${scheme}://${text}`)
    this.#unstarted.add(pick)
    return {
      pickResultType: experimental.PickResultType.COMPLETE,
      subchannel: child.subchannel,
      status: null,
      onCallStarted: () => this.#unstarted.started(pick),
      onCallEnded: (code, details) => pick.done({ error: callFailure(code, details) }),
    }
  }

  close(): void {
    this.#unstarted.close()
  }

  #pick(args: PickArgs): Pick {
    const { extraPickInfo } = args
    const key = this.#keyOf(args)
    const first = extraPickInfo[firstTriedKey]
    if (first === undefined) {
      const pick = this.#picker.pick(key === undefined ? undefined : { key })
      extraPickInfo[firstTriedKey] = pick.instance.id
      return pick
    }
    const tried = this.#tried.get(extraPickInfo) ?? new Set([first])
    const pick = this.#pickBeside(tried, key)
    this.#tried.set(extraPickInfo, tried.add(pick.instance.id))
    return pick
  }

  #pickBeside(exclude: ReadonlySet<string>, key: string | undefined): Pick {
    try {
      return this.#picker.pick({ key, exclude })
    } catch {
      // all other instances are unavailable, so the same one is used again
      return this.#picker.pick({ key })
    }
  }

  #keyOf({ metadata }: PickArgs): string | undefined {
    if (this.#key === undefined) return undefined
    const [value] = metadata.get(this.#key)
    return value?.toString()
  }
}
