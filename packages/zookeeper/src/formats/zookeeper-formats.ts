import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'

/** The name of a format that ZooKeeper carries. */
export type ZooKeeperFormatName = 'json' | 'kratos'

/** The formats of ZooKeeper by name: `@sd`'s own, and those of the fleets that it can join. */
export const zookeeperFormats: Readonly<Record<ZooKeeperFormatName, WireFormat>> = {
  json: jsonFormat,
  kratos: kratosFormat,
}
