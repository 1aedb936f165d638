import {
  Malformed,
  takeWeight,
  urlHost,
  weightEntry,
  type WireFormat,
  withoutEntries,
} from '@sd/core/driver'
import { serviceDocument } from './service-document.ts'

const secureKey = 'secure'
const zoneKey = 'zone'

/**
 * The records of Spring Cloud Consul: one address, and in `Meta` whether it is secure, as `secure`, the
 * zone and the metadata, in which Spring's load balancer looks for a `weight`.
 */
export const springConsulFormat: WireFormat = serviceDocument({
  name: 'spring-consul',
  tagsOf: ({ tags }) => tags,
  entriesOf: ({ zone, weight }, { scheme }) => ({
    [secureKey]: String(scheme === 'https'),
    ...(zone === undefined ? {} : { [zoneKey]: zone }),
    ...weightEntry(weight),
  }),
  schemes: ['https', 'http'],
  taggedAddresses: () => ({}),
  foreign: ({ tags, metadata, address, port }) => {
    if (address === '' || port === 0) throw new Malformed('it has no address or no port')
    const { [secureKey]: secure = '', [zoneKey]: zone } = metadata
    const scheme = secure.toLowerCase() === 'true' ? 'https' : 'http'
    return {
      tags,
      endpoints: [`${scheme}://${urlHost(address)}:${port}`],
      ...takeWeight(withoutEntries(metadata, [secureKey, zoneKey])),
      ...(zone ? { zone } : {}),
    }
  },
})
