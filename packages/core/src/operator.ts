import type { Capabilities } from './driver/registry-driver.ts'
import { servedRecords } from './discovery.ts'
import { editRecord } from './edit-record.ts'
import type { RegistryHealth } from './health.ts'
import type { InstanceRecord, SkippedRecord } from './model/instance-record.ts'
import type { InstanceEdit } from './model/service-instance.ts'
import { validateEdit, validateName } from './model/validate-instance.ts'
import type { WaitOptions } from './registration.ts'
import { readScope, type RegistryContext } from './registry-context.ts'
import { removeRecord } from './remove-record.ts'

/** What the backend holds of one service, or of all. */
export interface StoredRecords {
  /** Every record that can be read. An id may have several: on Consul one at each agent. */
  readonly records: readonly InstanceRecord[]
  /** Of each id the record that readers see: that with the highest claim. */
  readonly served: readonly InstanceRecord[]
  /** The records that cannot be read, and why. */
  readonly skipped: readonly SkippedRecord[]
}

/** The role of whoever runs the services: sees how a registry does, and acts on others' records. */
export interface Operator {
  /** The backend's name, e.g. `etcd`. */
  readonly backend: string
  /** What the backend can do, and its limits. Known without I/O. */
  readonly capabilities: Capabilities
  /** Session, registrations, freshness of every watch and the last failures. No I/O. */
  health(): RegistryHealth
  /**
   * The records of a service, or of all services when `service` is left out: each instance with who
   * registered it (`claim.owner`), when (`registeredAtMs`) and with which ttl (`ttlMs`), as far as
   * the stored format says so. Retries, signal and errors as `Discovery.list`.
   */
  records(service?: string, options?: WaitOptions): Promise<StoredRecords>
  /**
   * Changes weight, tags or metadata of a registered instance in its owner's name and in place:
   * nobody sees it leave, and the owner adopts the change within its ttl. A field left out stays.
   * Resolves to `absent` when there is no such instance. A failure that may pass is retried within
   * `callTimeoutMs`; an edit whose outcome is unknown is made again, which does no harm.
   *
   * Aborting `options.signal` rejects with its reason; the edit may have been made.
   * @throws RegistryError `invalid-argument` before any I/O; `unsupported` where only the owner can
   * write (Consul); `conflict` when the record bears no claim, or changes each time it is edited;
   * `permission-denied`, `unavailable`, `timeout`, `closed`
   */
  edit(
    service: string,
    id: string,
    edit: InstanceEdit,
    options?: WaitOptions,
  ): Promise<'edited' | 'absent'>
  /**
   * Removes another owner's record, for an owner that is dead: one that is alive restores its
   * record within its ttl. `not-ours` says that the id was registered anew by another owner since
   * `record` was read; that record is left alone. On Consul only the agent that has the instance
   * can remove it.
   *
   * Aborting `options.signal` rejects with its reason; the record may have been removed.
   * @throws RegistryError `unsupported` when the record names no owner; `permission-denied`,
   * `unavailable`, `timeout`, `closed`
   */
  removeRecord(
    record: InstanceRecord,
    options?: WaitOptions,
  ): Promise<'removed' | 'absent' | 'not-ours'>
}

/** An operator over the backend of `context`. */
export const createOperator = (
  context: RegistryContext,
  health: () => RegistryHealth,
): Operator => ({
  backend: context.backend,
  capabilities: context.driver.capabilities,
  health,
  records: async (service, { signal } = {}) => {
    if (service !== undefined) validateName('records', 'service', service)
    const scope = service === undefined ? ({ all: true } as const) : { service }
    const { records, skipped } = await readScope(context, scope, 'records', signal)
    return { records, served: servedRecords(records), skipped }
  },
  edit: async (service, id, edit, { signal } = {}) => {
    validateName('edit', 'service', service)
    validateName('edit', 'id', id)
    return editRecord(context, { service, id }, validateEdit('edit', service, edit), signal)
  },
  removeRecord: (record, { signal } = {}) => removeRecord(context, record, signal),
})
