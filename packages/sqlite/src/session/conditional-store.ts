import { type ConditionalStore, decodeRecord, type WireFormat } from '@sd/core/driver'
import type { StoredRecord, Write, WriteResult } from '../worker/store-api.ts'

/** The store calls that read and write records. */
export interface RecordCalls {
  readonly find: (keys: readonly string[]) => Promise<readonly (StoredRecord | undefined)[]>
  readonly write: (writes: readonly Write[]) => Promise<readonly WriteResult[]>
  readonly replacedBy: (keys: readonly string[]) => Promise<readonly (Uint8Array | undefined)[]>
}

/** Reads and writes the file; compares each record's revision within one transaction. */
export const conditionalStore = (
  format: WireFormat,
  { find, write, replacedBy }: RecordCalls,
): ConditionalStore<number> => ({
  absent: 0,
  read: async (keys) => {
    const found = await find(keys)
    return keys.map((key, index) => {
      const stored = found[index]
      if (stored === undefined) return { existing: undefined, revision: 0 }
      const { document: value, session, revision } = stored
      const record = decodeRecord(format, key, value)
      return { existing: { record, value, sessionId: session ?? undefined }, revision }
    })
  },
  replacedBy: (deleted) => replacedBy(deleted.map(({ key }) => key)),
  write: (writes) =>
    write(
      writes.map(({ key, value, expected }) => ({
        key,
        // a copy, because sending a view to a thread sends its whole underlying buffer
        document: value && new Uint8Array(value),
        expected,
      })),
    ),
})
