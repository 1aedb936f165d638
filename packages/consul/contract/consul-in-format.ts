import type { DriverFactory } from '@sd/core/driver'
import { consul, type ConsulConfig, consulFormats, type ConsulFormatName } from '../src/index.ts'

/** A factory for another process, which gets the format by name. */
export const consulInFormat =
  ({ format, ...config }: ConsulConfig & { readonly format: ConsulFormatName }): DriverFactory =>
  (context) =>
    consul(config)({ ...context, format: consulFormats[format] })
