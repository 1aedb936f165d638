import { show, type WireFormat } from '@sd/core/driver'
import { configError } from './config-error.ts'

/** The formats that a backend carries, by name. */
export type Formats = Readonly<Record<string, WireFormat>>

/**
 * The format that a configuration asks for, by name or as an object. Throws `invalid-config` with the
 * formats that the backend carries.
 */
export const resolveFormat = (
  backend: string,
  formats: Formats,
  given: unknown,
): WireFormat | undefined => {
  // core checks an object
  if (given === undefined || (typeof given === 'object' && given !== null))
    return given as WireFormat | undefined
  if (typeof given === 'string' && Object.hasOwn(formats, given)) return formats[given]
  throw configError(
    `format is ${show(given)}; backend "${backend}" carries ${Object.keys(formats).join(', ')}, or a WireFormat of your own`,
    backend,
  )
}
