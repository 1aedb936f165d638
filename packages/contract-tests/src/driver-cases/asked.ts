import type { DriverSession, InstanceRecord, PutRequest, RegistryDriver } from '@sd/core/driver'
import { idsOf, soon } from '../answers.ts'
import type { ContractRun } from '../contract-run.ts'
import { eventually } from '../eventually.ts'
import { orders, request } from '../requests.ts'

/** A claim of `owner`; of two, the one with the higher `rank` wins. */
export const claim = (owner: string, rank: number, seq = 0): PutRequest['claim'] => ({
  owner,
  claimedAtMs: rank,
  seq,
})

/**
 * What core would ask to write for `owner`, with a claim of that rank. As in core, every update of
 * a registration has the next `seq`.
 */
export const asked = (
  id: string,
  owner: string,
  rank: number,
  { seq = 0, ...more }: NonNullable<Parameters<typeof request>[2]> & { readonly seq?: number } = {},
): PutRequest => request(id, claim(owner, rank, seq), more)

/** Writes one instance, and returns its outcome. */
export const putOne = async (
  session: DriverSession,
  wanted: PutRequest,
  signal: AbortSignal = soon(),
): Promise<string> => (await session.put([wanted], signal))[0]?.result ?? 'no outcome'

/** The record of that id in the backend. */
export const standing = async (
  driver: RegistryDriver,
  id: string,
): Promise<InstanceRecord | undefined> =>
  (await driver.list(orders, soon())).records.find(({ instance }) => instance.id === id)

/** Checks that exactly these ids of `orders` are listed: at once, where lists are linearizable. */
export const stand = async (
  run: ContractRun,
  driver: RegistryDriver,
  ids: readonly string[],
): Promise<void> => {
  const wanted = ids.toSorted().join()
  let seen = ''
  await eventually(
    `exactly ${wanted || 'nothing'} stands`,
    run.visibleMs,
    async () => {
      seen = (await idsOf(driver)).join()
      return seen === wanted
    },
    () => seen,
  )
}
