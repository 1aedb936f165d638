import {
  type Contents,
  decodeRecord,
  type Observation,
  type RecordKey,
  type Scope,
  servicesOf,
  toContents,
  toRecordKey,
  type WireFormat,
} from '@sd/core/driver'
import type { Commit } from './history.ts'
import { scopePrefix, writeCursor } from './keys.ts'
import type { StoredRecord } from './keyspace.ts'
import type { MemoryStore } from './memory-store.ts'

/** One namespace of a store, and the driver's wire format. */
export interface View {
  readonly store: MemoryStore
  readonly namespace: string
  readonly format: WireFormat
}

/** Divides stored records into those that the format can read and those that it cannot. */
const decodeAll = (
  format: WireFormat,
  stored: Iterable<StoredRecord>,
): ReturnType<typeof toContents> =>
  toContents(Array.from(stored, ({ key, value }) => decodeRecord(format, key, value)))

/** The present contents of `scope`. */
export const readContents = ({ store, namespace, format }: View, scope: Scope): Contents => {
  const cursor = writeCursor(store.epoch, store.revision)
  const stored = store.under(namespace, scopePrefix(format, scope))
  if (!('services' in scope)) return { ...decodeAll(format, stored), cursor }
  return { records: [], skipped: [], services: servicesOf(format, stored), cursor }
}

/** The keys of `scope` that `commits` changed, and whether each existed before. */
const touchedKeys = (
  format: WireFormat,
  scope: Scope,
  commits: readonly Commit[],
): ReadonlyMap<string, boolean> => {
  const prefix = scopePrefix(format, scope)
  const touched = new Map<string, boolean>()
  for (const { changes } of commits)
    for (const { key, existedBefore } of changes)
      if (key.startsWith(prefix) && !touched.has(key)) touched.set(key, existedBefore)
  return touched
}

/** The added and removed services. The cost depends only on the changed keys. */
const changedServices = (
  { store, namespace, format }: View,
  touched: ReadonlyMap<string, boolean>,
): { readonly services: string[]; readonly removedServices: string[] } => {
  const existedBefore = new Map<string, boolean>()
  for (const [key, existed] of touched) {
    const service = format.serviceOf(key)
    if (service === undefined) continue
    existedBefore.set(service, existed || (existedBefore.get(service) ?? false))
  }
  const services: string[] = []
  const removedServices: string[] = []
  for (const [service, touchedExisted] of existedBefore) {
    let before = touchedExisted
    let after = false
    for (const { key } of store.under(namespace, format.prefix(service))) {
      after = true
      before ||= !touched.has(key)
      if (before) break
    }
    if (after && !before) services.push(service)
    if (before && !after) removedServices.push(service)
  }
  return { services, removedServices }
}

/**
 * The effect of `commits`, the latest ones, on `scope`: the present state of the changed keys.
 * `undefined` if there is none.
 */
export const readChanges = (
  view: View,
  scope: Scope,
  commits: readonly Commit[],
): Observation | undefined => {
  const { store, namespace, format } = view
  const touched = touchedKeys(format, scope, commits)
  const cursor = writeCursor(store.epoch, store.revision)
  if ('services' in scope) {
    const { services, removedServices } = changedServices(view, touched)
    if (services.length === 0 && removedServices.length === 0) return undefined
    return {
      type: 'changes',
      records: [],
      skipped: [],
      removed: [],
      services,
      removedServices,
      cursor,
    }
  }
  const present: StoredRecord[] = []
  const removed: RecordKey[] = []
  for (const [key, existed] of touched) {
    const stored = store.get(namespace, key)
    if (stored) present.push(stored)
    else if (existed) removed.push(toRecordKey(key))
  }
  if (present.length === 0 && removed.length === 0) return undefined
  return { type: 'changes', ...decodeAll(format, present), removed, cursor }
}
