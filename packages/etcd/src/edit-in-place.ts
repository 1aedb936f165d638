import {
  editedRequest,
  type EditOutcome,
  type InstanceRecord,
  isAsRead,
  type ServiceInstance,
} from '@sd/core/driver'
import { readRange } from './etcd-read.ts'
import { type Store, transact } from './kv.ts'
import { atRevision } from './session/put-batch.ts'

/** Writes over somebody's record at the revision read; `ignore_lease` keeps it on its owner's lease. */
export const editInPlace = async (
  store: Store,
  record: InstanceRecord,
  instance: ServiceInstance,
  signal: AbortSignal,
): Promise<EditOutcome> => {
  const key = store.keys.absolute(record.key)
  const { service } = instance
  const { kvs } = await readRange(store, 'edit', { key }, signal, service)
  const [kv] = kvs
  if (kv === undefined) return 'absent'
  if (!isAsRead(store.format.decode(record.key, kv.value), record)) return 'changed'
  const value = Buffer.from(store.format.encode(editedRequest(record, instance)))
  const { succeeded } = await transact(
    store,
    'edit',
    {
      compare: [atRevision(key, kv.mod_revision)],
      success: [{ request_put: { key, value, ignore_lease: true } }],
    },
    signal,
    service,
  )
  return succeeded ? 'edited' : 'changed'
}
