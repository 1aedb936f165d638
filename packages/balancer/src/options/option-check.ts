import { RegistryError, show, suggestion } from '@sd/core'

/** Reads options field by field. Every mistake throws `invalid-config`, which names the field. */
export class OptionCheck {
  readonly #operation: string
  readonly #service: string | undefined

  constructor(operation: string, service: string | undefined) {
    this.#operation = operation
    this.#service = service
  }

  /** Throws, saying what was given and what is accepted. */
  refuse(field: string, given: unknown, accepted: string): never {
    return this.fail(`${field} is ${show(given)}; expected ${accepted}`)
  }

  fail(message: string): never {
    throw new RegistryError('invalid-config', {
      backend: 'balancer',
      operation: this.#operation,
      service: this.#service,
      message,
    })
  }

  /** Returns an object that has known keys only. `field` is empty for the options themselves. */
  object(field: string, value: unknown, known: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse(field === '' ? 'the options' : field, value, 'an object')
    const prefix = field === '' ? '' : `${field}.`
    for (const key of Object.keys(value))
      if (!known.includes(key))
        this.fail(`${show(prefix + key)} is not an option${suggestion(key, known, prefix)}`)
    return value as Record<string, unknown>
  }

  number(field: string, value: unknown, fallback: number, min: number, max: number): number {
    if (value === undefined) return fallback
    if (typeof value !== 'number' || !(value >= min && value <= max))
      return this.refuse(field, value, `a number from ${min} to ${max}`)
    return value
  }

  whole(field: string, value: unknown, fallback: number, min: number, max: number): number {
    if (value === undefined) return fallback
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      return this.refuse(field, value ?? undefined, `a whole number from ${min} to ${max}`)
    return value as number
  }

  text(field: string, value: unknown): string {
    if (typeof value !== 'string' || value === '')
      return this.refuse(field, value, 'a non-empty string')
    return value
  }

  texts(field: string, value: unknown): readonly string[] {
    if (
      !Array.isArray(value) ||
      value.length === 0 ||
      !value.every((item) => typeof item === 'string' && item !== '')
    )
      return this.refuse(field, value, 'a list of one or more non-empty strings')
    return [...(value as string[])]
  }

  pairs(field: string, value: unknown): readonly (readonly [string, string])[] {
    const valid =
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((item) => typeof item === 'string')
    return valid
      ? Object.entries(value as Record<string, string>)
      : this.refuse(field, value, 'an object whose values are strings')
  }

  function<T>(field: string, value: T): T {
    if (value === undefined || typeof value === 'function') return value
    return this.refuse(field, value, 'a function')
  }
}
