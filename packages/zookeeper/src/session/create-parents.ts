import type { ZooKeeperClient } from '../client/zookeeper-client.ts'
import { isCode } from '../client/zookeeper-error.ts'
import { type Keys, parentData } from '../keys.ts'

const isThere = async (
  client: ZooKeeperClient,
  path: string,
  signal: AbortSignal,
): Promise<boolean> => {
  try {
    return (await client.exists(path, signal)) !== undefined
  } catch (error) {
    // only what is there can be hidden
    if (isCode(error, 'NO_AUTH')) return true
    throw error
  }
}

/** Creates the persistent nodes above the records of `parent`, as far as they are missing. */
export const createParents = async (
  client: ZooKeeperClient,
  keys: Keys,
  parent: string,
  signal: AbortSignal,
): Promise<void> => {
  const names = keys.path(parent).slice(1).split('/')
  for (let depth = 1; depth <= names.length; depth++) {
    const path = `/${names.slice(0, depth).join('/')}`
    try {
      // to create what is there already may be forbidden
      if (!(await isThere(client, path, signal)))
        await client.create(path, parentData, 'persistent', signal)
    } catch (error) {
      // somebody else was faster
      if (!isCode(error, 'NODE_EXISTS')) throw error
    }
  }
}
