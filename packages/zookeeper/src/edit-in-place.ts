import {
  editedRequest,
  type EditOutcome,
  type InstanceRecord,
  isAsRead,
  type ServiceInstance,
} from '@sd/core/driver'
import { isCode } from './errors.ts'
import type { Keys } from './keys.ts'
import type { ReaderConnection } from './reader/reader-connection.ts'
import { parentOf, readStanding } from './session/standing-nodes.ts'

/** Sets the data of somebody's node, which leaves it in its owner's session, if it still is the one read. */
export const editInPlace = async (
  connection: ReaderConnection,
  keys: Keys,
  record: InstanceRecord,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<EditOutcome> => {
  const { key } = record
  const { parents, records } = await readStanding({ client: connection, keys }, [key], signal)
  const standing = records.get(key)
  if (standing === undefined) return 'absent'
  if (!isAsRead(keys.format.decode(key, standing.data), record)) return 'changed'
  const parent = parentOf(key)
  const data = keys.format.encode(editedRequest(record, instance))
  try {
    await connection.multi(
      [
        { type: 'check', path: keys.path(parent), version: parents.get(parent) ?? 0 },
        { type: 'set', path: keys.path(key), data, version: standing.stat.version },
      ],
      signal,
    )
  } catch (error) {
    if (isCode(error, 'NO_NODE', 'BAD_VERSION')) return 'changed'
    throw error
  }
  return 'edited'
}
