import type { Etcd3 } from 'etcd3'

/** The parts of a stored document that the benchmarks read. */
export interface StoredInstance {
  readonly id: string
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * What a program on the raw client does at least to follow a service: watches its prefix, reads it, and
 * keeps the parsed values in a Map.
 */
export const watchRaw = async (
  client: Etcd3,
  prefix: string,
  changed: (instance: StoredInstance) => void,
): Promise<ReadonlyMap<string, StoredInstance>> => {
  const instances = new Map<string, StoredInstance>()
  const read = (key: Buffer, value: Buffer): StoredInstance => {
    const instance = JSON.parse(value.toString()) as StoredInstance
    instances.set(key.toString(), instance)
    return instance
  }
  const watcher = await client.watch().prefix(prefix).create()
  const { kvs } = await client.getAll().prefix(prefix).exec()
  for (const { key, value } of kvs) read(key, value)
  watcher.on('put', ({ key, value }) => changed(read(key, value)))
  watcher.on('delete', ({ key }) => void instances.delete(key.toString()))
  return instances
}
