import {
  addressesOf,
  preferredAddress,
  type ServiceInstance,
  type WireFormat,
} from '@sd/core/driver'
import { type CuratorAddress, curatorDocument, scalarsIn } from './curator-document.ts'

const className = '@class'

/** The address of the first endpoint with HTTP, else of the first one; a secure port beside it. */
const addressIn = ({ endpoints }: ServiceInstance): CuratorAddress => {
  const { host = '', port = null } = preferredAddress(endpoints, ['http']) ?? {}
  const secure = addressesOf(endpoints).find(({ scheme }) => scheme === 'https')
  return { address: host, port, sslPort: secure?.host === host ? secure.port : null }
}

const endpointsOf = ({ address, port, sslPort }: CuratorAddress): readonly string[] => [
  ...(port === null || port === sslPort ? [] : [`http://${address}:${port}`]),
  ...(sslPort === null ? [] : [`https://${address}:${sslPort}`]),
]

const metadataIn = (payload: unknown): Readonly<Record<string, string>> => {
  const { [className]: _, ...metadata } = scalarsIn(payload)
  return metadata
}

/**
 * Curator's x-discovery with a map as its payload, which holds the metadata. Without metadata the
 * payload is null, which a fleet with a payload class of its own reads, too; of such a class's payload
 * readers get the fields that are texts, numbers or booleans.
 */
export const curatorFormat: WireFormat = curatorDocument({
  name: 'curator',
  addressIn,
  payloadOf: ({ metadata }) =>
    Object.keys(metadata).length === 0
      ? null
      : { [className]: 'java.util.LinkedHashMap', ...metadata },
  metadataIn,
  foreign: (payload, address) => ({
    endpoints: endpointsOf(address),
    metadata: metadataIn(payload),
  }),
  refusal: ({ metadata }) =>
    Object.hasOwn(metadata, className)
      ? `its metadata has the key "${className}", with which Curator's reader fails for the whole service`
      : undefined,
})
