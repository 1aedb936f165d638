import {
  type CheckOptions,
  type InstanceInput,
  type Registration,
  type RegistrationStatus,
  type Registry,
  type RegistryError,
} from '@sd/registry'
import { showAge } from '../output/duration.ts'

/** What to do when another process has registered the id; `wait`: register when it has left. */
export const conflictChoices = ['takeover', 'reject', 'wait'] as const

/** One of `conflictChoices`. */
export type ConflictChoice = (typeof conflictChoices)[number]

/** Reports one status: the line for people, and the object for programs. */
export type TellStatus = (text: string, status: object) => Promise<void> | void

/** The parameters of `Holding`. */
export interface HoldingParts {
  readonly registry: Registry
  readonly instance: InstanceInput
  /** The health check that runs while the instance is registered. */
  readonly health: CheckOptions
  readonly onConflict: ConflictChoice
  /** What keeps running without a registration, for messages: the command. */
  readonly running: string | undefined
  readonly tell: TellStatus
}

/** The kind of a failure: its code, and that of the failure which started it. */
const kindOf = (cause: RegistryError | undefined): string => {
  let root: unknown = cause
  while (root instanceof Error && root.cause !== undefined) root = root.cause
  const code = root instanceof Error && 'code' in root ? String(root.code) : ''
  return `${cause?.code} ${code}`
}

/**
 * Registers an instance and keeps it registered. Reports each change of its state once: of an outage
 * the beginning, each further kind of cause, and the end with its length.
 */
export class Holding {
  readonly #parts: HoldingParts
  readonly #left = new AbortController()
  #registration: Registration | undefined

  constructor(parts: HoldingParts) {
    this.#parts = parts
  }

  /** Resolves to the final status: `closed` after `leave`, else why it is not registered. */
  async hold(): Promise<RegistrationStatus> {
    const { registry, instance, health, onConflict } = this.#parts
    const rule = onConflict === 'wait' ? 'reject' : onConflict
    for (;;) {
      const registration = await registry.register(
        { ...instance, ...(this.#registration && { id: this.#registration.id }) },
        { ...health, waitFor: 'accepted', onConflict: rule },
      )
      this.#registration = registration
      if (this.#left.signal.aborted) void registration.deregister().catch(() => {})
      const final = await this.#report(registration)
      const lost = final.state === 'superseded' || final.cause?.code === 'conflict'
      if (onConflict !== 'wait' || !lost || this.#left.signal.aborted) return final
      try {
        await this.#untilFree(registration)
      } catch (error) {
        if (!this.#left.signal.aborted) throw error
        return final
      }
    }
  }

  /** Deregisters; resolves when the registry has acknowledged it. */
  async leave(): Promise<void> {
    this.#left.abort()
    await this.#registration?.deregister()
  }

  async #untilFree({ service, id }: Registration): Promise<void> {
    const { signal } = this.#left
    const watcher = this.#parts.registry.watch(service, { signal })
    for await (const event of watcher)
      if (event.type !== 'stale' && watcher.get(id) === undefined) return
  }

  async #report(registration: Registration): Promise<RegistrationStatus> {
    const told = new Set<string>()
    let troubledSinceMs: number | undefined
    for await (const status of registration.statuses()) {
      const { state, since, cause } = status
      if (state === 'registering' && cause === undefined) continue
      const trouble = state === 'registering' || state === 'recovering'
      const kind = `${state} ${kindOf(cause)}`
      if (trouble && told.has(kind)) continue
      if (trouble) told.add(kind)
      const lengthMs = troubledSinceMs === undefined ? 0 : Date.now() - troubledSinceMs
      await this.#parts.tell(`sd: ${this.#text(registration, status, lengthMs)}`, {
        type: 'status',
        at: since.toISOString(),
        service: registration.service,
        id: registration.id,
        state,
        ...(cause === undefined ? {} : { code: cause.code, message: cause.message }),
      })
      if (trouble) troubledSinceMs ??= since.getTime()
      else {
        troubledSinceMs = undefined
        told.clear()
      }
    }
    return registration.status
  }

  #text(
    { service, id, instance }: Registration,
    { state, cause }: RegistrationStatus,
    lengthMs: number,
  ): string {
    const name = `${service}/${id}`
    const why = cause === undefined ? '' : `: ${cause.message}`
    switch (state) {
      case 'registering':
        return `not registered yet, retrying: ${name}${why}`
      case 'registered':
        return `registered ${name} at ${instance.endpoints.join(' ')}${lengthMs > 0 ? `, after ${showAge(lengthMs)}` : ''}`
      case 'recovering':
        return `recovering ${name}${why}`
      case 'superseded':
        return `superseded: another process has registered ${name}; ${this.#afterwards()}`
      case 'failed':
        return `refused ${name}${why}${cause?.code === 'conflict' && this.#parts.onConflict === 'wait' ? `; ${this.#afterwards()}` : ''}`
      case 'closed':
        return `deregistered ${name}`
    }
  }

  #afterwards(): string {
    const { onConflict, running } = this.#parts
    const goesOn = running === undefined ? '' : `${running} runs on without being registered; `
    if (onConflict === 'wait') return `${goesOn}waiting until that one has left`
    const remedy = 'start it with another --id, or with --on-conflict wait'
    return running === undefined ? `sd ends; ${remedy}` : `${goesOn}${remedy}`
  }
}
