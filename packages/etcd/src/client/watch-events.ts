import type { IEvent, IWatchResponse } from 'etcd3'

/**
 * Puts the fragments of one watch's responses together again. etcd splits a response above its
 * request limit (1.5 MiB) when the watch asks for `fragment`; all parts but the last say so.
 */
export class WatchEvents {
  #parts: IEvent[] = []

  /** All events of a response; `undefined` while parts are missing. */
  add({
    fragment,
    events,
  }: Pick<IWatchResponse, 'fragment' | 'events'>): readonly IEvent[] | undefined {
    if (!fragment && this.#parts.length === 0) return events
    for (const event of events) this.#parts.push(event)
    if (fragment) return undefined
    const whole = this.#parts
    this.#parts = []
    return whole
  }
}
