import type { InstanceChange, InstanceRecord, ServiceInstance, WatchEvent } from '@sd/registry'
import { describeUpdate, instanceJson } from './instance-output.ts'
import type { Output } from './output.ts'
import { printable } from './printable.ts'

/** Finds the record of a watched instance: its owner, registration time and ttl. */
export type RecordOf = (instance: ServiceInstance) => InstanceRecord | undefined

/** Shows the events of a watch. */
export interface WatchDisplay extends Disposable {
  /** Resolves when there is room for the next event. */
  show(event: WatchEvent<InstanceChange>): Promise<void>
}

/** Formats one change as a line. */
export const changeText = (change: InstanceChange): string => {
  const { service, id, endpoints, weight, health } = change.instance
  const text =
    change.type === 'updated'
      ? describeUpdate(change.previous, change.instance)
      : `${endpoints.join(' ')} weight ${weight}${health === 'passing' ? '' : ` ${health}`}`
  return `${change.type.padEnd(7)} ${service}/${id} ${text}`
}

const eventTexts = (event: WatchEvent<InstanceChange>, size: number): readonly string[] =>
  event.type === 'stale'
    ? [`stale   the last known state stays: ${event.cause.message}`]
    : [
        ...event.changes.map(changeText),
        ...(event.type === 'sync' ? [`fresh   ${size} in total`] : []),
      ]

/** For a pipe: a line for each change, and for each switch between fresh and stale. */
export class ChangeLines implements WatchDisplay {
  readonly #output: Output
  readonly #size: () => number

  constructor(output: Output, size: () => number) {
    this.#output = output
    this.#size = size
  }

  show(event: WatchEvent<InstanceChange>): Promise<void> {
    const at = new Date().toISOString()
    const texts = eventTexts(event, this.#size())
    return this.#output.write(texts.map((text) => `${at} ${printable(text)}`))
  }

  [Symbol.dispose](): void {}
}

/** For programs: an object for each change, and for each switch between fresh and stale. */
export class ChangeJson implements WatchDisplay {
  readonly #output: Output
  readonly #size: () => number
  readonly #recordOf: RecordOf

  constructor(output: Output, size: () => number, recordOf: RecordOf) {
    this.#output = output
    this.#size = size
    this.#recordOf = recordOf
  }

  show(event: WatchEvent<InstanceChange>): Promise<void> {
    const at = new Date().toISOString()
    if (event.type === 'stale') {
      const { code, message } = event.cause
      return this.#output.writeJson([{ type: 'stale', at, code, message }])
    }
    const changes = event.changes.map((change) => ({
      type: change.type,
      at,
      instance: instanceJson(change.instance, this.#recordOf(change.instance)),
      ...(change.type === 'updated' ? { previous: instanceJson(change.previous, undefined) } : {}),
    }))
    const fresh = event.type === 'sync' ? [{ type: 'fresh', at, instances: this.#size() }] : []
    return this.#output.writeJson([...changes, ...fresh])
  }

  [Symbol.dispose](): void {}
}
