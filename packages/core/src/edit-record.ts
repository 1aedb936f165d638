import { highestRecord } from './model/instance-record.ts'
import type { InstanceEdit, ServiceInstance } from './model/service-instance.ts'
import { validateEdit } from './model/validate-instance.ts'
import { assertRecordFits, callWithRetries, type RegistryContext } from './registry-context.ts'
import { RegistryError } from './registry-error.ts'

/** Maximum number of attempts when others change the record between read and write. */
const maxRounds = 5

/**
 * Reads the record of one instance, changes it and writes it in its owner's name. Retries if the
 * record changes in between; a function is called with the instance of each attempt. Repeats an edit
 * whose outcome is unknown: it sets fields to values and is therefore idempotent.
 */
export const editRecord = async (
  context: RegistryContext,
  { service, id }: { readonly service: string; readonly id: string },
  edit: InstanceEdit | ((instance: ServiceInstance) => InstanceEdit),
  outer: AbortSignal | undefined,
): Promise<'edited' | 'absent'> => {
  const { backend, driver } = context
  const subject = { operation: 'edit', service }
  const fail = (code: 'unsupported' | 'conflict', message: string): RegistryError =>
    new RegistryError(code, { backend, ...subject, message })
  const round = async (signal: AbortSignal): Promise<'edited' | 'absent' | 'changed'> => {
    if (driver.edit === undefined)
      throw fail(
        'unsupported',
        'only the owner of an instance can change it on this backend; use its own `update`',
      )
    const { records } = await driver.list({ service }, signal)
    const record = highestRecord(records.filter(({ instance }) => instance.id === id))
    if (record === undefined) return 'absent'
    if (record.claim === undefined)
      throw fail(
        'conflict',
        `id ${JSON.stringify(id)} has a record without a claim, so its owner would revert the edit; use its own \`update\``,
      )
    const fields = typeof edit === 'function' ? edit(record.instance) : edit
    const changed = Object.freeze({
      ...record.instance,
      ...validateEdit('edit', service, fields),
    })
    assertRecordFits(context, 'edit', changed)
    return driver.edit(record, changed, signal)
  }
  return callWithRetries(context, subject, outer, async (signal) => {
    for (let rounds = 0; rounds < maxRounds; rounds++) {
      const outcome = await round(signal)
      if (outcome !== 'changed') return outcome
    }
    throw fail(
      'conflict',
      `id ${JSON.stringify(id)} was changed by other clients during each of ${maxRounds} attempts; try again`,
    )
  })
}
