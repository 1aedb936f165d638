/** The kinds of server the tests know how to provide. */
export type Backend = 'etcd' | 'zookeeper' | 'consul'

/** Every kind, in the order in which they are provided. */
export const backends: readonly Backend[] = ['etcd', 'zookeeper', 'consul']

/** Which kinds a run wants: `SD_TEST_BACKENDS=etcd,zookeeper`, by default all. */
export function wantedBackends(env: NodeJS.ProcessEnv = process.env): readonly Backend[] {
  const names = (env['SD_TEST_BACKENDS'] ?? backends.join(','))
    .split(',')
    .map((name) => name.trim())
  const unknown = names.filter((name) => name && !backends.includes(name as Backend))
  if (unknown.length > 0)
    throw new Error(
      `SD_TEST_BACKENDS names '${unknown.join(',')}'; there are: ${backends.join(', ')}`,
    )
  return backends.filter((backend) => names.includes(backend))
}
