import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'
import { etcdNamingFormat } from './etcd-naming-format.ts'
import { goZeroFormat } from './go-zero-format.ts'

/** The name of a format that etcd carries. */
export type EtcdFormatName = 'json' | 'kratos' | 'go-zero' | 'etcd-naming'

/** The formats of etcd by name: `@sd`'s own, and those of the fleets that it can join. */
export const etcdFormats: Readonly<Record<EtcdFormatName, WireFormat>> = {
  json: jsonFormat,
  kratos: kratosFormat,
  'go-zero': goZeroFormat,
  'etcd-naming': etcdNamingFormat,
}
