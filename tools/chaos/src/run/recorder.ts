import { monotonicMs } from '../timeline/run-clock.ts'
import type { Happening, TimelineEvent } from '../timeline/timeline-event.ts'

/** The timeline of a run while it grows. */
export class Recorder {
  /** The start of the run by the machine's monotonic clock. */
  readonly originMs: number = monotonicMs()
  /** In the order in which they were reported. */
  readonly events: TimelineEvent[] = []
  readonly #write: (event: TimelineEvent) => void

  constructor(write: (event: TimelineEvent) => void = () => {}) {
    this.#write = write
  }

  /** Milliseconds since the start. */
  nowMs(): number {
    return monotonicMs() - this.originMs
  }

  /** Adds something that happens now. */
  note(happening: Happening): void {
    this.add({ ...happening, atMs: this.nowMs() })
  }

  /** Adds an event that a process reported. */
  add(event: TimelineEvent): void {
    this.events.push(event)
    this.#write(event)
  }
}
