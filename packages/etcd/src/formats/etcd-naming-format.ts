import {
  decodeByName,
  decodeExtras,
  encodeExtras,
  extrasKey,
  isJsonObject,
  type JsonObject,
  keysByName,
  Malformed,
  noAddress,
  parseObject,
  readDocument,
  readString,
  readText,
  type WireFormat,
} from '@sd/core/driver'
import { grpcAddress } from './grpc-address.ts'

const keys = keysByName('etcd-naming')

/** The entries of the metadata that are strings. It may be any JSON; gRPC never sees it. */
const stringsOf = (metadata: unknown): JsonObject & Record<string, string> =>
  isJsonObject(metadata)
    ? Object.fromEntries(
        Object.entries(metadata).filter(
          (entry): entry is [string, string] => typeof entry[1] === 'string',
        ),
      )
    : {}

const endpointOf = (address: string): string =>
  address.includes('://') ? address : `grpc://${address}`

/**
 * The records of etcd's `client/v3/naming/endpoints`, which gRPC-Go dials as `etcd:///<service>`:
 * `{"Op":0,"Addr":"10.0.0.7:9090","Metadata":…}` at `<service>/<id>`. Its reader skips a value that is
 * not such JSON, and passes on the address only. `@sd` keeps the rest as one string in the metadata.
 */
export const etcdNamingFormat: WireFormat = {
  name: 'etcd-naming',
  lacks: [],
  foreignWriters: true,
  // the target is a configured text, by custom without a prefix
  defaultNamespace: '',
  ...keys,
  refusal: (instance) => keys.refusal(instance) ?? noAddress(instance),
  encode: (request) => {
    const { instance } = request
    return Buffer.from(
      JSON.stringify({
        Op: 0,
        Addr: grpcAddress(instance),
        Metadata: { ...instance.metadata, [extrasKey]: encodeExtras(request) },
      }),
    )
  },
  decode: decodeByName(keys.serviceOf, (service, id, value) => {
    const document = parseObject(readText(value))
    const { Op: operation = 0, Metadata: given } = document
    if (typeof operation !== 'number') throw new Malformed('"Op" is not a number')
    const address = readString(document, 'Addr')
    if (!address) throw new Malformed('"Addr" is missing or empty')
    const { [extrasKey]: extras, ...metadata } = stringsOf(given)
    return extras === undefined
      ? readDocument({ endpoints: [endpointOf(address)], metadata }, service, id)
      : decodeExtras(extras, service, id, metadata)
  }),
}
