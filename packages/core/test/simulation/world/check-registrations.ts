import { clockToleranceMs } from '../../../src/runtime/timing.ts'
import { isFinal } from '../../../src/registration/registration-state.ts'
import { sameInstance } from '../../../src/model/service-instance.ts'
import { places } from '../schedule/operation.ts'
import { handleOf } from '../server/stored.ts'
import type { Handle } from './handle.ts'
import type { SimProcess } from './sim-process.ts'
import { isWanted } from './is-wanted.ts'
import type { World } from './world.ts'

/** A wanted registration is stored under its owner's live session, with its latest state. */
const checkStanding = (world: World, process: SimProcess, handle: Handle): string | undefined => {
  const { registration } = handle
  if (registration === undefined) return undefined
  const { state, cause } = registration.status
  if (state !== 'registered') return `its status is ${state} (${String(cause)})`
  const standing = world.server.records.get(`${registration.service}/${registration.id}`)
  if (standing?.value.instance === undefined) return 'it is not stored'
  const { instance, claim } = standing.value
  if (!sameInstance(instance, registration.instance))
    return `handle ${handleOf(standing.value)} weight ${instance.weight} is stored instead of weight ${registration.instance.weight}`
  if (claim?.owner.startsWith(`owner-${process.name}-`) !== true)
    return `its record belongs to ${claim?.owner}`
  if (!world.server.leases.ids(process.name).includes(standing.lease ?? ''))
    return `its record is tied to ${standing.lease}, which is no lease of its owner`
  return undefined
}

/** A final status needs a reason. */
const checkFinal = (world: World, process: SimProcess, handle: Handle): string | undefined => {
  const { registration, place, onConflict } = handle
  if (registration === undefined || handle.takenBack) return undefined
  const { state } = registration.status
  const { service, id } = registration
  if (state === 'closed') return 'it is closed, but the user did not deregister it'
  if (state === 'failed' && onConflict === 'takeover' && !world.everDenied.has(place))
    return 'it failed without a refusal'
  const outranked =
    handle.replacedLocally ||
    world.ledger.everOutranked(handle.number, `${service}/${id}`, `owner-${process.name}-`)
  if (state === 'superseded' && !outranked)
    return 'it is superseded, but no higher claim was ever stored'
  if (state === 'superseded' && isLostToEarlier(world, process, handle))
    return 'it is superseded, but every other process registered earlier (R7)'
  return undefined
}

/** Whether every rival registered the id before this one, by more than clocks may differ. */
const isLostToEarlier = (world: World, process: SimProcess, handle: Handle): boolean => {
  const { place, onConflict, calledAtMs, replacedLocally } = handle
  if (world.schedule.config.clockSteps || replacedLocally || onConflict !== 'takeover') return false
  const rivals = world.processes
    .filter((other) => other !== process)
    .flatMap(({ handles }) => handles.filter((other) => other.place === place))
  return rivals.every((rival) => rival.calledAtMs < calledAtMs - clockToleranceMs)
}

/** Every wanted registration is stored. Used alone where the bound is short. */
export const checkWanted = (world: World, bound: string): void => {
  for (const process of world.processes)
    for (const handle of process.handles)
      if (isWanted(process, handle)) {
        const wrong = checkStanding(world, process, handle)
        const { service, id } = places[handle.place] ?? {}
        if (wrong !== undefined)
          world.journal.violation(
            `handle ${handle.number} of ${process.name} (${service}/${id}): ${wrong} (${bound})`,
          )
      }
}

/** The owner has adopted the last edit of a third party. */
export const checkAdopted = (world: World): void => {
  const { operations } = world.schedule
  for (const [place, { service, id }] of places.entries()) {
    const last = operations.findLast(
      (operation) => 'place' in operation && operation.place === place,
    )
    const standing = world.server.records.get(`${service}/${id}`)
    // a concurrent update of the owner may win over the edit
    const raced = operations.some(
      (o) =>
        'place' in o &&
        o.place === place &&
        o.kind === 'update' &&
        Math.abs(o.atMs - (last?.atMs ?? 0)) < 50,
    )
    if (raced) continue
    const edited = last?.kind === 'edit' && standing?.value.claim !== undefined
    if (edited && standing.value.instance?.weight !== 50_000 + place)
      world.journal.violation(`the edit of ${service}/${id} was not adopted`)
  }
}

/** Every stored record is wanted. */
export const checkGhosts = (world: World): void => {
  const wanted = new Set(
    world.processes.flatMap((process) =>
      process.handles.filter((handle) => isWanted(process, handle)).map(({ number }) => number),
    ),
  )
  for (const [key, { value }] of world.server.records) {
    const handle = handleOf(value)
    if (handle !== undefined && !wanted.has(handle))
      world.journal.violation(
        `ghost: ${key} is stored for handle ${handle}, which is deregistered (R6)`,
      )
  }
}

/** Everything that holds for registrations some time after the backend has recovered. */
export const checkRegistrations = (world: World): void => {
  checkWanted(world, 'R5')
  checkGhosts(world)
  for (const process of world.processes) {
    if (process.crashed) continue
    for (const handle of process.handles) {
      const wrong = checkFinal(world, process, handle)
      if (wrong !== undefined) world.journal.violation(`handle ${handle.number}: ${wrong}`)
      // from here on no record of it may be stored again
      if (!isWanted(process, handle)) world.ledger.acknowledgedGone(handle.number)
    }
  }
}

/** Every promise has settled, except those of a killed process. */
export const checkCalls = (world: World): void => {
  for (const process of world.processes) {
    if (process.crashed) continue
    const calls = [...process.calls, ...process.handles.flatMap((handle) => handle.calls)]
    for (const { name, ending } of calls)
      if (ending === undefined) world.journal.violation(`${name} is still pending`)
    for (const { registration, statusesEnded, number } of process.handles)
      if (registration !== undefined && isFinal(registration.status.state) !== statusesEnded)
        world.journal.violation(`the statuses of handle ${number} continue after a final one`)
  }
}

/** A process with a live session has one lease; no earlier lease is left. */
export const checkSessions = (world: World): void => {
  for (const process of world.processes) {
    const leases = world.server.leases.ids(process.name)
    const live = process.alive && process.registry.health().session.state === 'live'
    if (leases.length !== (live ? 1 : 0))
      world.journal.violation(
        `${process.name} has leases [${leases.join(', ')}] and ${live ? 'one' : 'no'} live session (R10)`,
      )
  }
}

/**
 * At the end a process is healthy, unless another one took over an id that it still registers. One
 * that registers and watches nothing shows the outcome of its last call.
 */
export const checkHealth = (world: World): void => {
  for (const process of world.processes) {
    const { alive, registry, name, handles } = process
    if (!alive) continue
    const { ok, registrations, watches } = registry.health()
    if (registrations.length === 0 && watches.length === 0) continue
    const lost = handles.some(
      (handle) =>
        handles.findLast((one) => one.place === handle.place && !one.refusedLocally) === handle &&
        handle.wasRegistered &&
        !handle.takenBack &&
        handle.onConflict !== 'yield' &&
        handle.registration?.status.state === 'superseded',
    )
    if (ok === lost)
      world.journal.violation(`${name} is ${ok ? 'healthy' : 'not healthy'} at the end`)
  }
}
