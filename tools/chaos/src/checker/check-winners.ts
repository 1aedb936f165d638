import { keyOf } from '../timeline/timeline-event.ts'
import { blinkExcuse } from './blink-excuse.ts'
import type { Handle, Model } from './model.ts'
import { showMs } from './show-time.ts'
import type { Violation } from './violation.ts'

const rivalsOf = (model: Model, handle: Handle): readonly Handle[] =>
  (model.byKey.get(keyOf(handle)) ?? []).filter((other) => other !== handle)

const violation = (handle: Handle, atMs: number, message: string): Violation => ({
  kind: 'wrong-winner',
  guarantee: 'R7',
  atMs,
  key: keyOf(handle),
  process: handle.process,
  message,
})

/** A takeover loses only to a call that is later, or too close to be ordered. */
const lostTakeover = (model: Model, handle: Handle): readonly Violation[] => {
  const { calledMs, lostMs, number, process } = handle
  const { clockToleranceMs } = model.bounds
  const rivals = rivalsOf(model, handle)
  if (
    rivals.some((rival) => rival.calledMs > calledMs - clockToleranceMs && rival.calledMs < lostMs)
  )
    return []
  const last = rivals.findLast((rival) => rival.calledMs < lostMs)
  const loser = `handle ${number} of ${process} (${keyOf(handle)}, called ${showMs(calledMs)})`
  return [
    violation(
      handle,
      lostMs,
      last === undefined
        ? `${loser} lost its id, and nobody else has asked for it`
        : `${loser} lost its id to an earlier call: the last one before was handle ${last.number} of ${last.process} at ${showMs(last.calledMs)}`,
    ),
  ]
}

/** `reject` refuses only while somebody may hold the id. */
const lostReject = (model: Model, handle: Handle): readonly Violation[] =>
  rivalsOf(model, handle).some(
    (rival) => rival.calledMs < handle.lostMs && model.goneMs(rival) >= handle.calledMs,
  )
    ? []
    : [
        violation(
          handle,
          handle.lostMs,
          `handle ${handle.number} of ${handle.process} (${keyOf(handle)}) was refused with conflict, and nobody could hold the id`,
        ),
      ]

/** `reject` refuses as long as a holder is certainly alive. */
const wonReject = (model: Model, handle: Handle): readonly Violation[] => {
  const { calledMs, registeredMs, number, process } = handle
  const holder = rivalsOf(model, handle).find(
    (rival) =>
      rival.registeredMs < calledMs &&
      model.unwantedMs(rival) > registeredMs &&
      blinkExcuse(model, rival, calledMs, registeredMs) === undefined,
  )
  if (holder === undefined) return []
  return [
    violation(
      handle,
      registeredMs,
      `handle ${number} of ${process} registered ${keyOf(handle)} with reject, while ${holder.process} held it (handle ${holder.number}, since ${showMs(holder.registeredMs)})`,
    ),
  ]
}

/** R7: who gets an id that several ask for. */
export const checkWinners = (model: Model): readonly Violation[] =>
  [...model.handles.values()].flatMap((handle) => {
    if (handle.onConflict === 'takeover')
      return handle.lostMs < Infinity ? lostTakeover(model, handle) : []
    if (handle.lostMs < handle.registeredMs) return lostReject(model, handle)
    return handle.registeredMs < Infinity ? wonReject(model, handle) : []
  })
