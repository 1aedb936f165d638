import { decodeName, encodeName } from '../model/name-encoding.ts'
import {
  decodeWith,
  extraFields,
  Malformed,
  parseObject,
  readDocument,
  readNatural,
  readString,
  readText,
} from './document.ts'
import type { WireFormat } from './wire-format.ts'

/** Version of the document below; raised when an older reader could misread it. */
const schemaVersion = 1

const split = (key: string): { service: string; id: string } | undefined => {
  const slash = key.indexOf('/')
  if (slash < 0) return undefined
  const service = decodeName(key.slice(0, slash))
  const id = decodeName(key.slice(slash + 1))
  return service === undefined || id === undefined ? undefined : { service, id }
}

/**
 * The default format: one JSON document per instance at `<service>/<id>`, a superset of the Kratos
 * document (`id name version metadata endpoints`), so that Kratos clients can read it. Fields that
 * it does not know are kept in `unknownFields`.
 */
export const jsonFormat: WireFormat = {
  name: 'json',
  lacks: [],
  key: ({ service, id }) => `${encodeName(service)}/${encodeName(id)}`,
  prefix: (service) => `${encodeName(service)}/`,
  // a key with more than two parts belongs to a namespace below this one
  serviceOf: (key) => split(key)?.service,
  encode: (request) => {
    const { service, id, version, weight, tags, metadata, endpoints } = request.instance
    // uses Node's buffer pool: one allocation per record is expensive for the garbage collector
    return Buffer.from(
      JSON.stringify({
        ...request.unknownFields,
        schema: schemaVersion,
        id,
        name: service,
        version: version ?? '',
        metadata,
        endpoints,
        ...extraFields(request),
        // earlier versions write these also where they have the default
        weight,
        tags,
      }),
    )
  },
  decode: decodeWith((key, value) => {
    const place = split(key)
    if (place === undefined) throw new Malformed('its key is not <service>/<id>')
    const document = parseObject(readText(value))
    const schema = readNatural(document, 'schema')
    if (schema !== undefined && schema > schemaVersion)
      throw new Malformed(
        `its schema ${schema} is newer than ${schemaVersion}: upgrade this reader`,
      )
    const { service, id } = place
    const name = readString(document, 'name')
    if (name !== service || readString(document, 'id') !== id)
      throw new Malformed('its "name" and "id" are not those of its key')
    // a short text of a JSON document is one string for all documents, a part of the key is not
    return readDocument(document, name, id)
  }),
}
