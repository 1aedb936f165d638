import { type ServiceInstance } from '../model/service-instance.ts'
import { decodeWith, Malformed } from './document.ts'
import type { DecodedDocument, WireFormat } from './wire-format.ts'

const refusalOf = (format: string, field: string, name: string): string | undefined =>
  name.includes('/') || name === '.' || name === '..'
    ? `its ${field} is ${JSON.stringify(name)}, and the format "${format}" uses names in keys as they are; expected one without a slash, and neither . nor ..`
    : undefined

/**
 * The keys of formats that do not encode names: `<service>/<id>`. Refuses names that would end up in
 * another key.
 */
export const keysByName = (
  format: string,
): Required<Pick<WireFormat, 'key' | 'prefix' | 'serviceOf' | 'refusal'>> => ({
  key: ({ service, id }) => `${service}/${id}`,
  prefix: (service) => `${service}/`,
  // a key with more than two parts belongs to a namespace below this one
  serviceOf: (key) => {
    const slash = key.indexOf('/')
    const isLast = slash === key.lastIndexOf('/')
    return slash > 0 && isLast && slash < key.length - 1 ? key.slice(0, slash) : undefined
  },
  refusal: ({ service, id }: ServiceInstance) =>
    refusalOf(format, 'service', service) ?? refusalOf(format, 'id', id),
})

/** A format's `decode` for keys `<service>/<id>`. What `read` throws is the reason of a skipped record. */
export const decodeByName = (
  serviceOf: WireFormat['serviceOf'],
  read: (service: string, id: string, value: Uint8Array) => DecodedDocument,
): WireFormat['decode'] =>
  decodeWith((key, value) => {
    const service = serviceOf(key)
    if (service === undefined) throw new Malformed('its key is not <service>/<id>')
    return read(service, key.slice(service.length + 1), value)
  })
