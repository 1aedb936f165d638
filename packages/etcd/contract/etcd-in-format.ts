import type { DriverFactory } from '@sd/core/driver'
import { etcd, type EtcdConfig, etcdFormats, type EtcdFormatName } from '../src/index.ts'

/** A factory for another process, which gets the format by name. */
export const etcdInFormat =
  ({ format, ...config }: EtcdConfig & { readonly format: EtcdFormatName }): DriverFactory =>
  (context) =>
    etcd(config)({ ...context, format: etcdFormats[format] })
