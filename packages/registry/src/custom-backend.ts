import { type DriverFactory, type RegistryDriver, show } from '@sd/core/driver'
import { configError } from './config-error.ts'

const methods = ['openSession', 'list', 'observe', 'probe'] as const

/** Describes the parts of a driver that `value` lacks; empty for a driver. */
const missingParts = (value: object): readonly string[] => {
  const parts = value as Readonly<Record<string, unknown>>
  return [
    ...(typeof parts['backend'] === 'string' ? [] : ['backend']),
    ...(typeof parts['capabilities'] === 'object' && parts['capabilities'] !== null
      ? []
      : ['capabilities']),
    ...methods.filter((name) => typeof parts[name] !== 'function'),
  ]
}

/** Whether `value` has the shape of a driver. It may come from another copy of core. */
export const isDriver = (value: unknown): value is RegistryDriver =>
  typeof value === 'object' && value !== null && missingParts(value).length === 0

/** Returns `value` as a driver. Throws `invalid-config` with `field` and the missing parts. */
export const validateDriver = (field: string, value: unknown): RegistryDriver => {
  if (isDriver(value)) return value
  throw configError(
    typeof value === 'object' && value !== null
      ? `${field} is not a driver: it lacks ${missingParts(value).join(', ')}`
      : `${field} is ${show(value)}; expected a driver, see @sd/core/driver`,
  )
}

/** Wraps `factory` to validate its driver like one that is passed directly. */
export const checkedFactory =
  (factory: DriverFactory): DriverFactory =>
  (context) =>
    validateDriver('what the driver factory returns', factory(context))
