import type { Registration } from '@sd/core'

/** What {@link churn} does, and how. */
export interface ChurnOptions {
  readonly seconds: number
  /** How many ids it uses, half of them ours. */
  readonly records: number
  readonly ours: (id: string, host: string) => Promise<Registration>
  readonly oursEndpoints: (host: string) => readonly string[]
  readonly register: (id: string, host: string) => Promise<void>
  readonly deregister: (id: string, host: string) => Promise<void>
}

/** Between two changes of one side, so that both, and the readers, run on one processor. */
const pauseMs = 20

/** One side of the churn: registers, updates and deregisters ids in turn; returns the hosts left. */
const side = async (
  network: number,
  ids: number,
  until: number,
  act: {
    readonly register: (id: string, host: string) => Promise<void>
    readonly deregister: (id: string, host: string) => Promise<void>
  },
): Promise<readonly string[]> => {
  const hosts = new Map<number, string>()
  // until the time is over, and every id was registered
  for (let step = 0; performance.now() < until || step < ids; step++) {
    const slot = (step * 7) % ids
    const id = `churn-${network}-${slot}`
    const host = hosts.get(slot)
    if (host !== undefined && step % 3 === 0) {
      await act.deregister(id, host)
      hosts.delete(slot)
    } else {
      const next = `10.${network}.${slot}.${step % 250}`
      await act.register(id, next)
      hosts.set(slot, next)
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return [...hosts.values()]
}

/** Both sides register, update and deregister at the same time. Resolves with the hosts left. */
export const churn = async (options: ChurnOptions): Promise<readonly string[]> => {
  const { seconds, records, ours, oursEndpoints, register, deregister } = options
  const until = performance.now() + seconds * 1_000
  const registrations = new Map<string, Registration>()
  const ids = Math.ceil(records / 2)
  const left = await Promise.all([
    side(101, ids, until, {
      register: async (id, host) => {
        const registered = registrations.get(id)
        if (registered) await registered.update({ endpoints: oursEndpoints(host) })
        else registrations.set(id, await ours(id, host))
      },
      deregister: async (id) => {
        await registrations.get(id)?.deregister()
        registrations.delete(id)
      },
    }),
    side(102, ids, until, { register, deregister }),
  ])
  return left.flat()
}
