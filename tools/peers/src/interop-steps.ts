import type { Registration } from '@sd/core'
import { expect } from 'vitest'
import { churn } from './churn.ts'
import { hostsIn, type JoinedFleet, type View } from './joined-fleet.ts'

const expectNoErrors = (fleet: JoinedFleet): void => {
  expect({ there: fleet.readerErrors, here: fleet.skipped }).toEqual({ there: [], here: [] })
}

/** Ours is registered, updated, weighed and deregistered, as seen there. */
export const expectOursSeen = async (fleet: JoinedFleet): Promise<void> => {
  const { pair, registry, registrar } = fleet
  const registration = await registry.register(fleet.ours('ours', '10.1.0.1'))
  await fleet.seenThere('our record, alone', ['10.1.0.1'], [])
  await registrar.register(fleet.theirs('anchor', '10.9.9.9'))
  await fleet.seenThere('theirs beside it', ['10.1.0.1', '10.9.9.9'], [])
  await registration.update({ endpoints: pair.endpoints('10.1.0.2') })
  await fleet.seenThere('our update', ['10.1.0.2', '10.9.9.9'], ['10.1.0.1'])
  await registration.update({ weight: 7 })
  if (pair.showsWeight)
    await fleet.holdsThere('our weight', (view) =>
      view.some(({ metadata }) => metadata?.['weight'] === '7'),
    )
  await registrar.register(fleet.theirs('anchor', '10.9.9.8'))
  await fleet.seenThere('our weighed record, after a change', ['10.1.0.2', '10.9.9.8'], [])
  await registration.deregister()
  await fleet.seenThere('the end of ours', ['10.9.9.8'], ['10.1.0.2'])
  expect(hostsIn(fleet.viewThere)).toEqual(['10.9.9.8'])
  await registrar.deregister(fleet.theirs('anchor', '10.9.9.8'))
  expectNoErrors(fleet)
}

/** Theirs is registered, updated, weighed and deregistered, as seen here. */
export const expectTheirsSeen = async (fleet: JoinedFleet): Promise<void> => {
  const { pair, registrar } = fleet
  await registrar.register(fleet.theirs('theirs', '10.2.0.1'))
  await fleet.seenHere('their record', ['10.2.0.1'], [])
  await registrar.register(fleet.theirs('theirs', '10.2.0.2'))
  await fleet.seenHere('their update', ['10.2.0.2'], ['10.2.0.1'])
  await registrar.register(fleet.theirs('theirs', '10.2.0.2', 7))
  const weight = pair.readsWeight ? 7 : 100
  await fleet.holdsHere('their weight', (view) =>
    view.some((each) => hostsIn([each]).includes('10.2.0.2') && each.weight === weight),
  )
  await registrar.deregister(fleet.theirs('theirs', '10.2.0.2'))
  await fleet.seenHere('the end of theirs', [], ['10.2.0.2'])
  expectNoErrors(fleet)
}

/** A process of each side is killed, and expires on the other. */
export const expectKilledExpire = async (fleet: JoinedFleet): Promise<void> => {
  const staying = await fleet.registry.register(fleet.ours('staying', '10.1.0.4'))
  await using owner = await fleet.startOwner(fleet.ours('killed', '10.1.0.3'))
  await fleet.registrar.register(fleet.theirs('killed-too', '10.2.0.3'))
  await fleet.seen('all', ['10.1.0.3', '10.1.0.4', '10.2.0.3'])
  await Promise.all([owner.kill(), fleet.replaceRegistrar()])
  await fleet.seen('only what stays', ['10.1.0.4'], ['10.1.0.3', '10.2.0.3'])
  await staying.deregister()
  expectNoErrors(fleet)
}

/** Both sides register, update and deregister at once, and then show the same. */
export const expectEqualAfterChurn = async (fleet: JoinedFleet): Promise<void> => {
  const { pair, registry, registrar } = fleet
  const left = await churn({
    seconds: Number(process.env['SD_PEERS_CHURN_SECONDS'] ?? 5),
    records: Number(process.env['SD_PEERS_CHURN_RECORDS'] ?? 40),
    ours: (id, host): Promise<Registration> => registry.register(fleet.ours(id, host)),
    oursEndpoints: pair.endpoints,
    register: (id, host) => registrar.register(fleet.theirs(id, host)),
    deregister: (id, host) => registrar.deregister(fleet.theirs(id, host)),
  })
  const all = left.toSorted().join(' ')
  const equal = (view: View): boolean => hostsIn(view).join(' ') === all
  await Promise.all([
    fleet.holdsThere(`the same there: ${all}`, equal),
    fleet.holdsHere(`the same here: ${all}`, equal),
  ])
  expectNoErrors(fleet)
}

/** Registers one instance of each side, before an outage. */
export const registerBoth =
  (network: number) =>
  async (fleet: JoinedFleet): Promise<void> => {
    await fleet.registry.register(fleet.ours(`lasting-${network}`, `10.1.${network}.1`))
    await fleet.registrar.register(fleet.theirs(`lasting-too-${network}`, `10.2.${network}.1`))
    await fleet.seen('both', [`10.1.${network}.1`, `10.2.${network}.1`])
  }

/** The server has what {@link registerBoth} registered, unless the peer gives up in an outage. */
const expectBothListed = async (fleet: JoinedFleet, network: number): Promise<void> => {
  const theirs = fleet.pair.recovers ? [`10.2.${network}.1`] : []
  await fleet.listed('both again', [`10.1.${network}.1`, ...theirs])
}

/** What both sides write now is seen on the other: views of before the outage would prove nothing. */
const expectChangesSeen = async (fleet: JoinedFleet, network: number): Promise<void> => {
  await fleet.registry.register(fleet.ours(`after-${network}`, `10.1.${network}.2`))
  await fleet.registerAgain(fleet.theirs(`lasting-too-${network}`, `10.2.${network}.2`))
  await fleet.seenThere('ours', [`10.1.${network}.1`, `10.1.${network}.2`], [])
  await fleet.seenHere('theirs', [`10.2.${network}.2`], [`10.2.${network}.1`])
}

/** Both sides have what they had before the server was killed, and see what changes. */
export const expectBothAfterOutage =
  (network: number) =>
  async (fleet: JoinedFleet): Promise<void> => {
    await expectBothListed(fleet, network)
    if (fleet.pair.losesWatches) await fleet.watchAgain()
    await expectChangesSeen(fleet, network)
  }

/** Both sides have their records again, also for a new reader, and see what changes. */
export const expectBothOnEmptyServer =
  (network: number) =>
  async (fleet: JoinedFleet): Promise<void> => {
    await expectBothListed(fleet, network)
    await fleet.watchAgain()
    await expectChangesSeen(fleet, network)
    expectNoErrors(fleet)
  }
