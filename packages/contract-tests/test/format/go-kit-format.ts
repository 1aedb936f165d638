import { addressOf, decodeWith, keysByName, readText, type WireFormat } from '@sd/core/driver'

const keys = keysByName('go-kit')

/** go-kit's records on etcd: a bare URL at `/services/<service>/<any text>`. */
export const goKitFormat: WireFormat = {
  name: 'go-kit',
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
  namespacePrefix: (namespace) => `/${namespace}/`,
  ...keys,
  encode: ({ instance }) => Buffer.from(instance.endpoints[0] ?? ''),
  decode: decodeWith((key, value) => {
    const service = keys.serviceOf(key)
    if (service === undefined) return { skipped: 'its key is not <service>/<id>' }
    const endpoint = readText(value)
    if (addressOf(endpoint) === undefined) return { skipped: 'it is not a URL with a port' }
    const id = key.slice(service.length + 1)
    return {
      instance: {
        service,
        id,
        endpoints: [endpoint],
        weight: 100,
        health: 'passing',
        tags: [],
        metadata: {},
      },
    }
  }),
}
