import type { Etcd3, IKeyValue } from 'etcd3'

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

/** Reads everything below a prefix, in pages: grpc-js receives messages of up to 4 MiB. */
export const readPages = async (client: Etcd3, prefix: string): Promise<readonly IKeyValue[]> => {
  const found: IKeyValue[] = []
  let key = Buffer.from(prefix)
  const end = Buffer.from(`${prefix.slice(0, -1)}0`) // the character after the slash
  for (;;) {
    const { kvs, more } = await client.kv.range({ key, range_end: end, limit: 5_000 })
    for (const kv of kvs) found.push(kv)
    const last = kvs.at(-1)
    if (!more || last === undefined) return found
    key = Buffer.concat([last.key, Buffer.from([0])])
  }
}
