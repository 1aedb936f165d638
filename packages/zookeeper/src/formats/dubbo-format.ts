import {
  addressesOf,
  isJsonObject,
  Malformed,
  preferredAddress,
  takeWeight,
  weightEntry,
  type WireFormat,
  withoutEntries,
} from '@sd/core/driver'
import { type CuratorAddress, curatorDocument } from './curator-document.ts'
import { metadataInPayload, zookeeperInstance } from './zookeeper-instance.ts'

const endpointsKey = 'dubbo.endpoints'

/** The list in `dubbo.endpoints`: `[{"port":20880,"protocol":"dubbo"}]`. */
const endpointsIn = (
  text: string | undefined,
  { address, port }: CuratorAddress,
): readonly string[] => {
  if (text === undefined) return port === null ? [] : [`dubbo://${address}:${port}`]
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list)) throw new Malformed(`"${endpointsKey}" is not a list`)
  return list.map((item: unknown) => {
    if (
      !isJsonObject(item) ||
      typeof item['protocol'] !== 'string' ||
      typeof item['port'] !== 'number'
    )
      throw new Malformed(`"${endpointsKey}" has an entry without protocol or port`)
    return `${item['protocol']}://${address}:${item['port']}`
  })
}

/**
 * The records of Dubbo's discovery at the level of applications: Curator's, with the class
 * `ZookeeperInstance` as payload. Dubbo names an instance `host:port`, and its reader goes by the address
 * in the document, so that any id is read. It lists the ports of each protocol in `dubbo.endpoints`.
 */
export const dubboFormat: WireFormat = curatorDocument({
  name: 'dubbo',
  addressIn: ({ endpoints }) => {
    const { host = '', port = null } = preferredAddress(endpoints, []) ?? {}
    return { address: host, port, sslPort: null }
  },
  ...zookeeperInstance('org.apache.dubbo.registry.zookeeper.ZookeeperInstance', (instance) => {
    const [first, ...others] = addressesOf(instance.endpoints)
    const ports = [first, ...others.filter(({ host }) => host === first?.host)]
    return {
      [endpointsKey]: JSON.stringify(
        ports.map((address) => ({ port: address?.port, protocol: address?.scheme })),
      ),
      ...weightEntry(instance.weight),
    }
  }),
  foreign: (payload, address) => {
    const metadata = metadataInPayload(payload)
    return {
      endpoints: endpointsIn(metadata[endpointsKey], address),
      ...takeWeight(withoutEntries(metadata, [endpointsKey])),
    }
  },
})
