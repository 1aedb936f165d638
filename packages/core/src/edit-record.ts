import type { Contents, EditOutcome, RegistryDriver } from './driver/registry-driver.ts'
import type { ServiceInstance } from './model/service-instance.ts'
import { RegistryError } from './registry-error.ts'
import { highestRecord } from './model/instance-record.ts'

/** As often the record may have changed between our read and our write. */
const maxRounds = 5

/** What an edit needs of the registry. */
export interface RecordEdit {
  readonly driver: RegistryDriver
  readonly id: string
  /** The fields to replace, checked. */
  readonly fields: Partial<ServiceInstance>
  /** Reads the instance's service. */
  readonly read: () => Promise<Contents>
  /** Runs a call of the driver under the registry's deadline. */
  readonly call: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  readonly checkSize: (instance: ServiceInstance) => void
}

/** Reads, changes and writes in its owner's name the record of one instance, until nothing came between. */
export const editRecord = async (parts: RecordEdit): Promise<'edited' | 'absent'> => {
  const { driver, id, fields, read, call, checkSize } = parts
  const fail = (code: 'unsupported' | 'conflict', service: string | undefined, message: string) =>
    new RegistryError(code, { backend: driver.backend, operation: 'edit', service, message })
  if (driver.edit === undefined)
    throw fail(
      'unsupported',
      undefined,
      'only the owner of an instance can change it on this backend; use its own `update`',
    )
  const edit = driver.edit.bind(driver)
  for (let round = 0; round < maxRounds; round++) {
    const { records } = await read()
    const record = highestRecord(records.filter(({ instance }) => instance.id === id))
    if (record === undefined) return 'absent'
    const { service } = record.instance
    if (record.claim === undefined)
      throw fail(
        'conflict',
        service,
        `id ${JSON.stringify(id)} is stored in a format without claims: its owner could not tell the edit from damage`,
      )
    const changed = Object.freeze({ ...record.instance, ...fields })
    checkSize(changed)
    const outcome: EditOutcome = await call((signal) => edit(record, changed, signal))
    if (outcome !== 'changed') return outcome
  }
  throw fail(
    'conflict',
    undefined,
    `id ${JSON.stringify(id)} was changed by others in each of ${maxRounds} rounds; try again`,
  )
}
