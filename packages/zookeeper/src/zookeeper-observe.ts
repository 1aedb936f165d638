import type { Cursor, Observation, Scope } from '@sd/core/driver'
import { attempt, notWritten } from './errors.ts'
import type { Keys } from './keys.ts'

/**
 * Subscribe before reading, or pin the watch to the revision that was read: no change may fall
 * between them. Without a cursor a `snapshot`, also an empty one; with one `changes` or `alive`, or
 * `cursor-expired` when the server cannot prove that it still has that history.
 */
const attach = async (_prefix: string, _cursor: Cursor | undefined): Promise<Observation> => {
  throw notWritten('observe')
}

/** What happened since; `alive` as proof that an idle stream lives. */
const next = async (): Promise<Observation> => {
  throw notWritten('observe (what follows the first observation)')
}

/**
 * Observes `scope`. Never ends by itself: it throws, `unavailable` when the stream breaks, or it is
 * left, and then lets go of everything. A client that calls back instead of being asked is turned
 * around by a `Channel` of `@sd/core/driver`.
 */
export async function* observe(
  keys: Keys,
  scope: Scope,
  cursor: Cursor | undefined,
  signal: AbortSignal,
): AsyncGenerator<Observation, never> {
  yield await attempt('observe', signal, () => attach(keys.prefix(scope), cursor))
  for (;;) yield await attempt('observe', signal, next)
}
