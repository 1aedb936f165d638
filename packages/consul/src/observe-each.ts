import { Channel, type Contents, type Observation, type Scope } from '@sd/core/driver'
import type { Difference, RecordDiff } from './catalog/record-diff.ts'
import type { ServiceEntry } from './catalog/service-entry.ts'

/** What {@link observeEach} follows. The iterables yield `undefined` where nothing has changed. */
export interface EachOptions {
  /** Of all records, or of the names of services only. */
  readonly scope: Scope
  readonly newDiff: () => RecordDiff
  readonly names: (signal: AbortSignal) => AsyncIterable<readonly string[] | undefined>
  readonly service: (
    name: string,
    signal: AbortSignal,
  ) => AsyncIterable<readonly ServiceEntry[] | undefined>
  readonly signal: AbortSignal
}

/** A service that is followed. */
interface Followed {
  readonly name: string
  readonly diff: RecordDiff
  readonly stop: AbortController
  answered: boolean
}

type News =
  | { readonly names: readonly string[] | undefined }
  | { readonly followed: Followed; readonly entries: readonly ServiceEntry[] }

/** The changes between two observations. */
class Changes {
  readonly #differences: Difference[] = []
  readonly #live = new Map<string, boolean>()

  apply({ name, diff }: Followed, entries: readonly ServiceEntry[]): void {
    const before = diff.size > 0
    this.#differences.push(diff.next(entries))
    const now = diff.size > 0
    if (before !== now) this.#live.set(name, now)
  }

  /** The observation of them, and none of them any more. */
  take(scope: Scope, first: boolean): Observation {
    const named = (live: boolean): readonly string[] =>
      [...this.#live].flatMap(([name, now]) => (now === live ? [name] : []))
    const [services, removedServices] = [named(true), named(false)]
    const contents: Contents =
      'services' in scope
        ? { records: [], skipped: [], services }
        : {
            records: this.#differences.flatMap(({ records }) => records),
            skipped: this.#differences.flatMap(({ skipped }) => skipped),
          }
    const removed =
      'services' in scope ? [] : this.#differences.flatMap((difference) => difference.removed)
    this.#differences.length = 0
    this.#live.clear()
    if (first) return { type: 'snapshot', ...contents }
    const { records, skipped } = contents
    const changed =
      records.length + skipped.length + removed.length + (contents.services?.length ?? 0)
    if (changed === 0 && (!('services' in scope) || removedServices.length === 0))
      return { type: 'alive' }
    return {
      type: 'changes',
      ...contents,
      removed,
      ...('services' in scope ? { removedServices } : {}),
    }
  }
}

/**
 * Observes all services of a namespace where no one query tells what changed in them: the names of all
 * services, and each service by itself. Begins with a snapshot when each of the first has answered.
 */
export async function* observeEach({
  scope,
  newDiff,
  names,
  service,
  signal,
}: EachOptions): AsyncGenerator<Observation, never> {
  const ended = new AbortController()
  const inner = AbortSignal.any([signal, ended.signal])
  const news = new Channel<News>()
  const follow = async <T>(
    source: AsyncIterable<T>,
    toNews: (value: T) => News | undefined,
    stopped: AbortSignal,
  ): Promise<void> => {
    try {
      for await (const value of source) {
        const told = toNews(value)
        if (told !== undefined) news.push(told)
      }
    } catch (error) {
      if (!stopped.aborted || inner.aborted) news.fail(error)
    }
  }
  const all = new Map<string, Followed>()
  const changes = new Changes()
  const begin = (name: string): void => {
    const followed = { name, diff: newDiff(), stop: new AbortController(), answered: false }
    all.set(name, followed)
    const stopped = AbortSignal.any([inner, followed.stop.signal])
    const toNews = (entries: readonly ServiceEntry[] | undefined): News | undefined =>
      entries && { followed, entries }
    void follow(service(name, stopped), toNews, stopped)
  }
  const end = (followed: Followed): void => {
    all.delete(followed.name)
    followed.stop.abort(new Error('the service is gone'))
    changes.apply(followed, [])
  }
  const update = (now: ReadonlySet<string>): void => {
    for (const name of now) if (!all.has(name)) begin(name)
    for (const followed of all.values()) if (!now.has(followed.name)) end(followed)
  }
  try {
    void follow(names(inner), (found) => ({ names: found }), inner)
    let first = true
    for await (const told of news) {
      if ('names' in told) {
        if (told.names !== undefined) update(new Set(told.names))
      } else if (all.get(told.followed.name) === told.followed) {
        told.followed.answered = true
        changes.apply(told.followed, told.entries)
      }
      if (first && [...all.values()].some(({ answered }) => !answered)) continue
      yield changes.take(scope, first)
      first = false
    }
  } finally {
    ended.abort(new Error('the observation has ended'))
  }
  throw new Error('a blocking query ended')
}
