import {
  type Contents,
  type Cursor,
  type Scope,
  toCursor,
} from '../../../src/driver/registry-driver.ts'
import {
  type InstanceRecord,
  type SkippedRecord,
  toRecordKey,
} from '../../../src/model/instance-record.ts'
import type { SimServer } from '../server/sim-server.ts'
import { serviceOf, toRecord } from '../server/stored.ts'

/** The cursor of a watch that has received everything until now. */
export const cursorOf = ({ history }: SimServer): Cursor =>
  toCursor(`${history.epoch}.${history.revision}`)

/** The services that have a record, readable or not. */
export const namesOf = (server: SimServer): readonly string[] => [
  ...new Set([...server.records.keys()].map(serviceOf)),
]

/** The records of a scope; only those under `keys`, if given. */
export const contentsOf = (
  server: SimServer,
  scope: Scope,
  keys?: ReadonlySet<string>,
): Contents & { readonly cursor: Cursor } => {
  const cursor = cursorOf(server)
  if ('services' in scope) return { records: [], skipped: [], services: namesOf(server), cursor }
  const records: InstanceRecord[] = []
  const skipped: SkippedRecord[] = []
  for (const [key, stored] of server.records) {
    if ('service' in scope && serviceOf(key) !== scope.service) continue
    if (keys !== undefined && !keys.has(key)) continue
    const record = toRecord(key, stored)
    if (record === undefined) skipped.push({ key: toRecordKey(key), reason: 'garbage' })
    else records.push(record)
  }
  return { records, skipped, cursor }
}
