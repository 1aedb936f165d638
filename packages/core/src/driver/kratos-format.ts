import { defaultWeight } from '../model/service-instance.ts'
import {
  decodeWith,
  extraFields,
  Malformed,
  parseObject,
  readDocument,
  readString,
  readText,
  readWeight,
} from './document.ts'
import { keysByName } from './keys-by-name.ts'
import type { WireFormat } from './wire-format.ts'

const keys = keysByName('kratos')

/** Kratos keeps the weight here, as a string. */
const weightKey = 'weight'

const withoutWeight = (
  metadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  if (readWeight(metadata[weightKey]) === undefined) return metadata
  const { [weightKey]: _, ...rest } = metadata
  return rest
}

/**
 * Kratos's records on etcd and ZooKeeper, as its contrib registries write them:
 * `{"id","name","version","metadata","endpoints"}` at `/microservices/<service>/<id>`, the weight as a
 * string in `metadata.weight`. One value in its metadata that is not a string, or one value that is not
 * JSON, makes Kratos's reader fail for the whole service; it ignores further fields, in which `@sd`
 * keeps the rest. As Kratos knows no health, an instance that is not passing has weight 0 for it.
 */
export const kratosFormat: WireFormat = {
  name: 'kratos',
  lacks: [],
  foreignWriters: true,
  defaultNamespace: 'microservices',
  namespacePrefix: (namespace) => `/${namespace.replace(/^\/+/, '')}/`,
  ...keys,
  encode: (request) => {
    const { service, id, version = '', weight, health, metadata, endpoints } = request.instance
    const passing = health === 'passing'
    const seen = passing ? weight : 0
    return Buffer.from(
      JSON.stringify({
        ...request.unknownFields,
        id,
        name: service,
        version,
        metadata:
          seen === defaultWeight ? withoutWeight(metadata) : { ...metadata, weight: String(seen) },
        endpoints,
        ...extraFields(request),
        // where metadata.weight says the same, a change by Kratos's tools must be seen
        weight: passing ? undefined : weight,
      }),
    )
  },
  decode: decodeWith((key, value) => {
    const service = keys.serviceOf(key)
    if (service === undefined) throw new Malformed('its key is not <service>/<id>')
    const document = parseObject(readText(value))
    if (readString(document, 'name') !== service)
      throw new Malformed('its "name" is not the service of its key')
    // Kratos's readers go by the document's id, not by the key
    const id = readString(document, 'id') || key.slice(service.length + 1)
    const record = readDocument(document, service, id)
    const shown: { metadata: Readonly<Record<string, string>> } = record.instance
    shown.metadata = withoutWeight(shown.metadata)
    return record
  }),
}
