import {
  decodeByName,
  defaultWeight,
  keysByName,
  Malformed,
  noAddress,
  readText,
  type WireFormat,
} from '@sd/core/driver'
import { grpcAddress } from './grpc-address.ts'

const keys = keysByName('go-zero')

const shape = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):\d{1,5}$/

/**
 * go-zero's records: the bare address of a gRPC server, `10.0.0.7:8080`, at `<service>/<lease id>`.
 * Its readers take every value below `<service>/` for an address, whatever it says, and use the key
 * only to tell records apart: `@sd` writes its own id there. There is room for nothing else.
 */
export const goZeroFormat: WireFormat = {
  name: 'go-zero',
  lacks: [
    'endpoints',
    'version',
    'zone',
    'weight',
    'health',
    'tags',
    'metadata',
    'claim',
    'ttlMs',
    'registeredAtMs',
    'unknownFields',
  ],
  foreignWriters: true,
  // the key of a service is a configured text, by custom without a prefix
  defaultNamespace: '',
  ...keys,
  refusal: (instance) => keys.refusal(instance) ?? noAddress(instance),
  encode: ({ instance }) => Buffer.from(grpcAddress(instance)),
  decode: decodeByName(keys.serviceOf, (service, id, value) => {
    const address = readText(value)
    if (!shape.test(address)) throw new Malformed('it is not an address, host:port')
    return {
      instance: {
        service,
        id,
        endpoints: [`grpc://${address}`],
        weight: defaultWeight,
        health: 'passing',
        tags: [],
        metadata: {},
      },
    }
  }),
}
