import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'
import { curatorFormat } from './curator-format.ts'
import { dubboFormat } from './dubbo-format.ts'
import { withNodeNames } from './node-names.ts'
import { springZooKeeperFormat } from './spring-zookeeper-format.ts'

/** The name of a format that ZooKeeper carries. */
export type ZooKeeperFormatName = 'json' | 'kratos' | 'curator' | 'spring-zookeeper' | 'dubbo'

/** The formats of ZooKeeper by name: `@sd`'s own, and those of the fleets that it can join. */
export const zookeeperFormats: Readonly<Record<ZooKeeperFormatName, WireFormat>> = {
  json: jsonFormat,
  kratos: withNodeNames(kratosFormat),
  curator: curatorFormat,
  'spring-zookeeper': springZooKeeperFormat,
  dubbo: dubboFormat,
}
