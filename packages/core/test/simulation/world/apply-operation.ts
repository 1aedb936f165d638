import { type Operation, places, showOperation } from '../schedule/operation.ts'
import { applyAction } from './apply-action.ts'
import { applyThirdParty } from './apply-third-party.ts'
import type { World } from './world.ts'

const startData = { restart: 'kept', wipe: 'none', restore: 'backup' } as const

/** Applies one entry of the schedule, and sets a timer for the end of a temporary fault. */
export const applyOperation = (world: World, operation: Operation): void => {
  const { server, processes, journal, clock } = world
  journal.note(() => `== ${showOperation(operation).slice(11)}`)
  const later = (forMs: number, end: () => void): void =>
    void clock.setTimer(forMs, () => {
      journal.note(() => `== ${operation.kind} is over`)
      end()
    })
  const process = 'process' in operation ? processes[operation.process] : undefined
  if (process?.crashed === true) return
  switch (operation.kind) {
    case 'partition':
      process?.link.partition(operation.mode)
      later(operation.forMs, () => process?.link.heal())
      return
    case 'weather': {
      if (process === undefined) return
      const good = process.link.profile
      process.link.profile = operation
      later(operation.forMs, () => {
        if (process.link.profile === operation) process.link.profile = good
      })
      return
    }
    case 'pause':
      process?.clock.pause()
      later(operation.forMs, () => {
        if (process?.crashed === false) process.clock.resume()
      })
      return
    case 'cut':
      process?.link.cutStreams()
      return
    case 'crash':
      process?.crash()
      return
    case 'revoke':
      for (const lease of server.leases.ids(process?.name)) server.leases.revoke(lease)
      return
    case 'freeze':
      server.freeze()
      later(operation.forMs, () => server.thaw())
      return
    case 'restart':
    case 'wipe':
    case 'restore':
      if (server.down) return
      if (operation.kind === 'wipe') world.wipes += 1
      if (operation.kind === 'restore') world.restores += 1
      server.stop()
      for (const { link } of processes) link.reset()
      later(operation.forMs, () => server.start(startData[operation.kind]))
      return
    case 'back-up':
      if (server.answers) server.backUp()
      return
    case 'compact':
      server.history.compact()
      return
    case 'deny': {
      const { service = '', id = '' } = places[operation.place] ?? {}
      world.everDenied.add(operation.place)
      server.denied.add(`${service}/${id}`)
      later(operation.forMs, () => server.denied.delete(`${service}/${id}`))
      return
    }
    case 'deny-service': {
      const { service } = operation
      for (const [place, { service: of }] of places.entries())
        if (of === service) world.everDenied.add(place)
      server.deniedServices.add(service)
      later(operation.forMs, () => server.deniedServices.delete(service))
      return
    }
    case 'delete':
    case 'garbage':
    case 'edit':
    case 'foreign':
      if (server.answers) applyThirdParty(world, operation.kind, operation.place)
      return
    case 'register':
    case 'update':
    case 'deregister':
    case 'watch':
    case 'unwatch':
    case 'list':
    case 'leave':
    case 'close':
      if (process !== undefined) applyAction(world, process, operation)
  }
}
