import { jsonFormat, type WireFormat } from '@sd/core/driver'
import { kratosConsulFormat } from './kratos-consul-format.ts'
import { springConsulFormat } from './spring-consul-format.ts'

/** The name of a format that Consul carries. */
export type ConsulFormatName = 'json' | 'kratos' | 'spring-consul'

/** The formats of Consul by name: `@sd`'s own, and those of the fleets that it can join. */
export const consulFormats: Readonly<Record<ConsulFormatName, WireFormat>> = {
  json: jsonFormat,
  kratos: kratosConsulFormat,
  'spring-consul': springConsulFormat,
}
