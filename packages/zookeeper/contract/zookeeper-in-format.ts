import type { DriverFactory } from '@sd/core/driver'
import {
  zookeeper,
  type ZooKeeperConfig,
  zookeeperFormats,
  type ZooKeeperFormatName,
} from '../src/index.ts'

/** A factory for another process, which gets the format by name. */
export const zookeeperInFormat =
  ({
    format,
    ...config
  }: ZooKeeperConfig & { readonly format: ZooKeeperFormatName }): DriverFactory =>
  (context) =>
    zookeeper(config)({ ...context, format: zookeeperFormats[format] })
