import type { Capabilities } from './driver/registry-driver.ts'
import { servedRecords } from './discovery.ts'
import { editRecord } from './edit-record.ts'
import type { RegistryHealth } from './health.ts'
import type { InstanceRecord, SkippedRecord } from './model/instance-record.ts'
import type { InstanceEdit, ServiceInstance } from './model/service-instance.ts'
import { validateEdit, validateName } from './model/validate-instance.ts'
import type { WaitOptions } from './registration.ts'
import { readScope, type RegistryContext } from './registry-context.ts'
import { removeRecord } from './remove-record.ts'

/** The stored records of one service, or of all services. */
export interface StoredRecords {
  /** Every readable record. An id may have several: on Consul one at each agent. */
  readonly records: readonly InstanceRecord[]
  /** For each id the record that readers see: the one with the highest claim. */
  readonly served: readonly InstanceRecord[]
  /** The unreadable records, with the reasons. */
  readonly skipped: readonly SkippedRecord[]
}

/** The options of `ping`. */
export interface PingOptions extends WaitOptions {
  /** The service that is read. Default `sd-ping`. */
  readonly service?: string | undefined
}

/** The role of an operator: inspects a registry and acts on records of other owners. */
export interface Operator {
  /** The backend's name, e.g. `etcd`. */
  readonly backend: string
  /** The features and limits of the backend. No I/O. */
  readonly capabilities: Capabilities
  /** Session, registrations, freshness of every watch and the last failures. No I/O. */
  health(): RegistryHealth
  /**
   * Asks the backend whether it answers and grants access: reads one service. `health().state` then
   * shows the outcome. Retries, signal and errors as `Discovery.list`.
   *
   * Where the credentials give access to some services only, name one of them: by default a service
   * is read that nobody registers.
   */
  ping(options?: PingOptions): Promise<void>
  /**
   * Reads the records of a service, or of all services when `service` is omitted: each instance with
   * its owner (`claim.owner`), registration time (`registeredAtMs`) and ttl (`ttlMs`), if the stored
   * format contains them. Retries, signal and errors as `Discovery.list`.
   */
  records(service?: string, options?: WaitOptions): Promise<StoredRecords>
  /**
   * Changes weight, health, tags or metadata of a registered instance in its owner's name and in place:
   * no reader sees it leave, and the owner adopts the change within its ttl. Omitted fields stay. A
   * function gets the stored instance, for an edit that depends on it: it is called again when the
   * record changes in between.
   * Resolves to `absent` when there is no such instance. A retryable failure is retried within
   * `callTimeoutMs`; an edit whose outcome is unknown is repeated, as edits are idempotent.
   *
   * Aborting `options.signal` rejects with its reason; the edit may have been made.
   * @throws RegistryError `invalid-argument` before any I/O; `unsupported` where only the owner can
   * write (Consul); `conflict` when the record has no claim, or changes during each attempt;
   * `permission-denied`, `unavailable`, `timeout`, `closed`
   */
  edit(
    service: string,
    id: string,
    edit: InstanceEdit | ((instance: ServiceInstance) => InstanceEdit),
    options?: WaitOptions,
  ): Promise<'edited' | 'absent'>
  /**
   * Removes the record of another owner that is dead; a live owner restores its record within its
   * ttl. `not-ours`: another owner has registered the id since `record` was read, and its record is
   * not removed. On Consul only the agent that has the instance can remove it.
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

/** Creates an `Operator` over the backend of `context`. */
export const createOperator = (
  context: RegistryContext,
  health: () => RegistryHealth,
): Operator => ({
  backend: context.backend,
  capabilities: context.driver.capabilities,
  health,
  ping: async ({ service = 'sd-ping', signal } = {}) => {
    validateName('ping', 'service', service)
    await readScope(context, { service }, 'ping', signal)
  },
  records: async (service, { signal } = {}) => {
    if (service !== undefined) validateName('records', 'service', service)
    const scope = service === undefined ? ({ all: true } as const) : { service }
    const { records, skipped } = await readScope(context, scope, 'records', signal)
    return { records, served: servedRecords(records), skipped }
  },
  edit: async (service, id, edit, { signal } = {}) => {
    validateName('edit', 'service', service)
    validateName('edit', 'id', id)
    if (typeof edit !== 'function') validateEdit('edit', service, edit)
    return editRecord(context, { service, id }, edit, signal)
  },
  removeRecord: (record, { signal } = {}) => removeRecord(context, record, signal),
})
