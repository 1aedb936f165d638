import { RegistryError, show, suggestion } from '@sd/core'

/** Throws for an option, with its name, its value and the accepted values. */
export const refuseOption = (field: string, given: unknown, accepted: string): never => {
  throw new RegistryError('invalid-config', {
    backend: 'undici',
    operation: 'configure',
    message: `${field} is ${show(given)}; expected ${accepted}`,
  })
}

/** Checks that `value` is an object with no other fields than `known`. */
export const checkObject = (
  field: string,
  value: unknown,
  known: readonly string[],
): Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuseOption(field, value, `an object of ${known.join(', ')}`)
  for (const name of Object.keys(value))
    if (!known.includes(name))
      throw new RegistryError('invalid-config', {
        backend: 'undici',
        operation: 'configure',
        message: `unknown option ${field === 'options' ? '' : `${field}.`}${name}${suggestion(name, known)}`,
      })
  return value as Readonly<Record<string, unknown>>
}

/** Checks for an integer within bounds, or returns the default. */
export const checkWhole = (
  field: string,
  value: unknown,
  fallback: number,
  min: number,
  max: number,
): number => {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    return refuseOption(field, value, `a whole number from ${min} to ${max}`)
  return value
}
