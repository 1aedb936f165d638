import { keyOf } from '../timeline/timeline-event.ts'
import type { Handle, Model } from './model.ts'
import { mayBlink, type Outage } from './outages.ts'

/**
 * Whether another `register` call of the same id may have had a part in what readers saw between
 * the two times: then the checker cannot know whom a removal concerns. A holder whose id was taken
 * over and given back writes its record again at its next audit (R7).
 */
export const isContested = (model: Model, handle: Handle, fromMs: number, toMs: number): boolean =>
  (model.byKey.get(keyOf(handle)) ?? []).some(
    (other) =>
      other !== handle &&
      other.calledMs <= toMs &&
      model.goneMs(other) + model.bounds.backMs >= fromMs,
  )

/**
 * The outage of the owner that explains why its instance was missing between the two times (R4,
 * R5); undefined if the guarantees allow none.
 */
export const blinkExcuse = (
  model: Model,
  handle: Handle,
  fromMs: number,
  toMs: number,
): Outage | undefined => {
  const { backMs, slackMs, deadWatchMs } = model.bounds
  return model
    .outagesOf(handle.process)
    .find(
      (outage) =>
        outage.beganMs <= toMs &&
        outage.endedMs + backMs + deadWatchMs + slackMs >= fromMs &&
        mayBlink(outage, model.bounds),
    )
}
