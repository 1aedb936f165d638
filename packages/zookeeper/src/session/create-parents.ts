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
    // only an existing node can be forbidden
    if (isCode(error, 'NO_AUTH')) return true
    throw error
  }
}

/** Creates the missing persistent nodes above the records of `parent`. */
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
      // creating may be forbidden even if the node exists
      if (!(await isThere(client, path, signal)))
        await client.create(path, parentData, 'persistent', signal)
    } catch (error) {
      // another process created it first
      if (!isCode(error, 'NODE_EXISTS')) throw error
    }
  }
}
