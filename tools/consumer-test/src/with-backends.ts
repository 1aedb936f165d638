import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Consumer } from './install-consumer.ts'

/** The packages that `@sd/registry` works without. */
export const optionalBackends = ['etcd', 'zookeeper', 'consul'] as const

/** Runs `work` with only those optional backends installed that `installed` lists. */
export const withBackends = async <T>(
  consumer: Consumer,
  installed: readonly string[],
  work: () => Promise<T>,
): Promise<T> => {
  const folder = join(consumer.folder, 'node_modules/@sd')
  const hidden = optionalBackends.filter((name) => !installed.includes(name))
  for (const name of hidden) await rename(join(folder, name), join(folder, `.${name}`))
  try {
    return await work()
  } finally {
    for (const name of hidden) await rename(join(folder, `.${name}`), join(folder, name))
  }
}
