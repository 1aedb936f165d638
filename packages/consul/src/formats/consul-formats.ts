import { jsonFormat, type WireFormat } from '@sd/core/driver'

/** The name of a format that Consul carries. */
export type ConsulFormatName = 'json'

/** The formats of Consul by name: `@sd`'s own, and those of the fleets that it can join. */
export const consulFormats: Readonly<Record<ConsulFormatName, WireFormat>> = {
  json: jsonFormat,
}
