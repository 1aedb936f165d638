import {
  preferredAddress,
  type ServiceInstance,
  takeWeight,
  weightEntry,
  type WireFormat,
  withoutEntries,
} from '@sd/core/driver'
import { type CuratorAddress, curatorDocument } from './curator-document.ts'
import { metadataInPayload, zookeeperInstance } from './zookeeper-instance.ts'

const statusKey = 'instance_status'
const zoneKey = 'zone'

/** Its load balancer keeps instances without a status, and those that are up. */
const statusOf = (health: string): string => (health === 'passing' ? 'UP' : 'OUT_OF_SERVICE')

const healthOf = (status: string | undefined): 'passing' | 'draining' | 'failing' => {
  if (status === undefined || status === '' || status === 'UP') return 'passing'
  return status === 'OUT_OF_SERVICE' ? 'draining' : 'failing'
}

/**
 * One address, secure if there is an endpoint with HTTPS: Spring's reader makes `https` and the plain
 * port into one URL where both ports are there, so they are the same.
 */
const addressIn = ({ endpoints }: ServiceInstance): CuratorAddress => {
  const { scheme, host = '', port = null } = preferredAddress(endpoints, ['https', 'http']) ?? {}
  return { address: host, port, sslPort: scheme === 'https' ? port : null }
}

/**
 * The records of Spring Cloud ZooKeeper: Curator's, with the class `ZookeeperInstance` as payload. In
 * its metadata Spring keeps `instance_status`, and its load balancer looks for `zone` and `weight`.
 */
export const springZooKeeperFormat: WireFormat = curatorDocument({
  name: 'spring-zookeeper',
  addressIn,
  ...zookeeperInstance(
    'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance',
    ({ health, zone, weight }) => ({
      [statusKey]: statusOf(health),
      ...(zone === undefined ? {} : { [zoneKey]: zone }),
      ...weightEntry(weight),
    }),
  ),
  foreign: (payload, { address, port, sslPort }) => {
    const metadata = metadataInPayload(payload)
    const zone = metadata[zoneKey]
    return {
      endpoints:
        sslPort === null ? [`http://${address}:${port ?? 80}`] : [`https://${address}:${sslPort}`],
      ...takeWeight(withoutEntries(metadata, [statusKey, zoneKey])),
      health: healthOf(metadata[statusKey]),
      ...(zone ? { zone } : {}),
    }
  },
})
