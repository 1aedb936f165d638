import { type Registration, type Registry, RegistryError, type ServiceInstance } from '@sd/registry'

/**
 * What became of a copy. `copied`: it stands in the target. `updated`: so does its change. `yielded`:
 * a real owner has the name in the target. `removed`: it was taken out. `failed`: the target refuses it.
 */
export interface MirrorEvent {
  readonly type: 'copied' | 'updated' | 'yielded' | 'removed' | 'failed'
  readonly instance: ServiceInstance
  readonly cause?: RegistryError
}

interface Entry {
  instance: ServiceInstance
  /** From the moment that it is asked for: what is wanted next must find it. */
  registration: Promise<Registration | undefined> | undefined
}

/** What others wrote can be read and yet be nothing that may be registered: without an endpoint, say. */
const isRefusal = (error: unknown): error is RegistryError =>
  error instanceof RegistryError && error.code === 'invalid-argument'

const keyOf = (service: string, id: string): string => JSON.stringify([service, id])

/**
 * Copies in a target registry. They are claimed such that they stand only where nobody else does,
 * and give way to whoever registers the name.
 */
export class Mirror {
  readonly #target: Registry
  readonly #tell: (event: MirrorEvent) => void
  readonly #entries = new Map<string, Entry>()

  constructor(target: Registry, tell: (event: MirrorEvent) => void) {
    this.#target = target
    this.#tell = tell
  }

  /** How many copies stand, or are about to. */
  get size(): number {
    let size = 0
    for (const { registration } of this.#entries.values()) if (registration) size++
    return size
  }

  /** Wants this copy, in place of what was wanted under its name; resolves when it is known what became of it. */
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

  /** Wants no copy of this name any more. */
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
    const { endpoints, version = '', zone = '', weight, tags, metadata } = instance
    try {
      await registration?.update({ endpoints, version, zone, weight, tags, metadata })
      if (registration !== undefined) this.#tell({ type: 'updated', instance })
    } catch (error) {
      // else it has ended meanwhile: its status says how
      if (isRefusal(error)) this.#tell({ type: 'failed', instance, cause: error })
    }
  }

  async #register(entry: Entry): Promise<Registration | undefined> {
    const { instance } = entry
    try {
      return await this.#target.register(instance, { onConflict: 'yield', waitFor: 'accepted' })
    } catch (error) {
      if (!isRefusal(error)) throw error
      entry.registration = undefined
      this.#tell({ type: 'failed', instance, cause: error })
      return undefined
    }
  }

  /** Tells of each end and of the first success. */
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
