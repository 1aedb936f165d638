import {
  type InstanceInput,
  knownHealth,
  type Registration,
  type Registry,
  RegistryError,
  type ServiceInstance,
} from '@sd/registry'

/**
 * The outcome for a copy. `copied`: the target has it. `updated`: the target has its change.
 * `yielded`: a real owner has the name in the target. `removed`: the copy was removed.
 * `failed`: the target refuses it.
 */
export interface MirrorEvent {
  readonly type: 'copied' | 'updated' | 'yielded' | 'removed' | 'failed'
  readonly instance: ServiceInstance
  readonly cause?: RegistryError
}

interface Entry {
  instance: ServiceInstance
  /** Set before the registration completes, so that a later change finds it. */
  registration: Promise<Registration | undefined> | undefined
}

/** A readable record may not be registrable, e.g. without an endpoint, or in the target's format. */
const isRefusal = (error: unknown): error is RegistryError =>
  error instanceof RegistryError &&
  (error.code === 'invalid-argument' || error.code === 'unsupported')

const copyOf = (instance: ServiceInstance): InstanceInput => ({
  ...instance,
  health: knownHealth(instance.health),
})

const keyOf = (service: string, id: string): string => JSON.stringify([service, id])

/**
 * The copies in a target registry. They are claimed so that they exist only while no other owner
 * registers the name.
 */
export class Mirror {
  readonly #target: Registry
  readonly #tell: (event: MirrorEvent) => void
  readonly #entries = new Map<string, Entry>()

  constructor(target: Registry, tell: (event: MirrorEvent) => void) {
    this.#target = target
    this.#tell = tell
  }

  /** The number of copies that are registered or being registered. */
  get size(): number {
    let size = 0
    for (const { registration } of this.#entries.values()) if (registration) size++
    return size
  }

  /** Creates or updates the copy under this name; resolves when the outcome is known. */
  async want(instance: ServiceInstance): Promise<void> {
    const key = keyOf(instance.service, instance.id)
    const entry = this.#entries.get(key)
    if (entry?.registration !== undefined) {
      entry.instance = instance
      await this.#update(await entry.registration, instance)
      return
    }
    const made: Entry = { instance, registration: undefined }
    this.#entries.set(key, made)
    made.registration = this.#register(made)
    const registration = await made.registration
    if (registration === undefined) return
    const known = Promise.withResolvers<void>()
    void this.#follow(made, registration, () => known.resolve())
    await known.promise
  }

  /** Removes the copy with this name. */
  async drop(service: string, id: string): Promise<void> {
    const key = keyOf(service, id)
    const entry = this.#entries.get(key)
    this.#entries.delete(key)
    const registration = await entry?.registration
    if (entry === undefined || registration === undefined) return
    await registration.deregister()
    this.#tell({ type: 'removed', instance: entry.instance })
  }

  async #update(registration: Registration | undefined, instance: ServiceInstance): Promise<void> {
    const { service: _, id: __, ...fields } = copyOf(instance)
    try {
      await registration?.update({ version: '', zone: '', ...fields })
      if (registration !== undefined) this.#tell({ type: 'updated', instance })
    } catch (error) {
      // any other error means that it has ended; `#follow` reports that
      if (isRefusal(error)) this.#tell({ type: 'failed', instance, cause: error })
    }
  }

  async #register(entry: Entry): Promise<Registration | undefined> {
    const { instance } = entry
    try {
      return await this.#target.register(copyOf(instance), {
        onConflict: 'yield',
        waitFor: 'accepted',
      })
    } catch (error) {
      if (!isRefusal(error)) throw error
      entry.registration = undefined
      this.#tell({ type: 'failed', instance, cause: error })
      return undefined
    }
  }

  /** Reports the first success and the end. */
  async #follow(entry: Entry, registration: Registration, known: () => void): Promise<void> {
    let copied = false
    for await (const { state, cause } of registration.statuses()) {
      if (state === 'registered' && !copied) {
        copied = true
        this.#tell({ type: 'copied', instance: entry.instance })
      }
      if (state === 'superseded' || state === 'failed') {
        entry.registration = undefined
        const yielded = state === 'superseded' || cause?.code === 'conflict'
        this.#tell({
          type: yielded ? 'yielded' : 'failed',
          instance: entry.instance,
          ...(cause === undefined ? {} : { cause }),
        })
      }
      if (state !== 'registering') known()
    }
    known()
  }
}
