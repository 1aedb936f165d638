import { withDeadline } from '@sd/core/driver'
import { backend } from '../errors.ts'
import type { ConsulResponse, ConsulClient, ConsulRequest } from './consul-client.ts'
import type { Semaphore } from './semaphore.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * How long the server holds a query without a change. Afterwards the server answers everything again.
 * A silently dropped connection, or an index that went back during the query, is not noticed sooner,
 * and an abandoned query keeps its connection at the server for this time.
 */
const waitMs = 10_000
/** A query that gets no permit within this time reads without waiting for a change. */
const pollMs = 1000
/** The server adds up to a sixteenth, so that not all queries are answered together. */
const longestWaitMs = waitMs + waitMs / 16
/** The deadline of every request of a watch, whether it waits for a change or not. */
export const answerMs: number = longestWaitMs + 3000
/** A burst of answers, then one in `refillMs`: a constantly changing index must not cause a hot loop. */
const burst = 3
const refillMs = 100

/** State that the blocking queries of one driver share. */
export interface BlockingQueryOptions {
  readonly client: ConsulClient
  /** Limits the driver's open blocking queries. */
  readonly permits: Semaphore
}

/** The index of the next query. It is never 0 by accident, and starts over after it went back. */
export const nextIndex = (previous: bigint, answered: bigint): bigint => {
  if (answered < previous) return 0n
  return answered < 1n ? 1n : answered
}

/**
 * Yields the answers to a query, the first at once and then whenever something may have changed;
 * `undefined` for an answer without changes. An answer is no proof of a change. Ends only by throwing.
 */
export async function* blockingQuery(
  { client, permits }: BlockingQueryOptions,
  queryFor: (role: 'first' | 'next') => ConsulRequest,
  signal: AbortSignal,
): AsyncGenerator<ConsulResponse | undefined, never> {
  const bucket = new TokenBucket(client.clock, burst, refillMs)
  let index = 0n
  const query = queryFor('next')
  const { operation, service } = query
  const subject = { backend, operation, service }
  const limited = (asked: ConsulRequest): Promise<ConsulResponse> =>
    withDeadline(client.clock, answerMs, signal, subject, (bounded, continues) => {
      const progress = (): void => {
        continues()
        asked.progress?.()
      }
      return client.read({ ...asked, progress }, bounded)
    })
  const ask = async (): Promise<ConsulResponse> => {
    const release = index === 0n ? undefined : await permits.acquireWithin(pollMs, signal)
    // index 0: nothing was read yet, or the server's state is another one than before
    if (release === undefined) return limited(index === 0n ? queryFor('first') : query)
    const heldUntilMs = client.clock.monotonicMs() + longestWaitMs
    const path = `${query.path}&index=${index}&wait=${waitMs}ms`
    try {
      return await limited({ ...query, pool: 'watches', path, waits: true })
    } finally {
      // an abandoned query keeps its connection at the server until its wait is over
      release(signal.aborted ? heldUntilMs : undefined)
    }
  }
  for (;;) {
    await bucket.take(signal)
    const answer = await ask()
    const news = index === 0n || answer.index !== index
    index = nextIndex(index, answer.index)
    yield news ? answer : undefined
  }
}
