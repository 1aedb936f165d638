import { withDeadline } from '@sd/core/driver'
import { backend } from '../errors.ts'
import type { Answer, ConsulClient, Question } from './consul-client.ts'
import type { Slots } from './slots.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * How long the server may hold a query that nothing happens to. It answers everything again then;
 * but a connection that was dropped without a word, or an index that went back under an open
 * query, is noticed no sooner, and a query that was left keeps its connection at the server.
 */
const waitMs = 10_000
/** A query that gets no slot in this time reads without waiting for a change. */
const pollMs = 1000
/** The server adds up to a sixteenth, so that not all are answered together. */
const longestWaitMs = waitMs + waitMs / 16
/** What may pass until an answer, of a query that waits or of whatever else a watch has to ask. */
export const answerMs: number = longestWaitMs + 3000
/** Answers at once, and then one in so many ms: an index that never rests must not make a hot loop. */
const burst = 3
const refillMs = 100

/** What blocking queries are made with. */
export interface BlockingParts {
  readonly client: ConsulClient
  /** Of the driver's open blocking queries. */
  readonly slots: Slots
}

/** The index to ask with next. It must never be 0 by accident, and starts over when it went back. */
export const nextIndex = (previous: bigint, answered: bigint): bigint => {
  if (answered < previous) return 0n
  return answered < 1n ? 1n : answered
}

/**
 * The answers to `question`, the first at once and then whenever something may have changed;
 * `undefined` stands for one that tells nothing new. An answer is no proof of a change. Never ends
 * by itself: it throws.
 */
export async function* blockingQuery(
  { client, slots }: BlockingParts,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<Answer | undefined, never> {
  const bucket = new TokenBucket(client.clock, burst, refillMs)
  let index = 0n
  const { operation, service } = question
  const subject = { backend, operation, service }
  const limited = (asked: Question): Promise<Answer> =>
    withDeadline(client.clock, answerMs, signal, subject, (bounded) => client.read(asked, bounded))
  const ask = async (): Promise<Answer> => {
    const release = index === 0n ? undefined : await slots.takeWithin(pollMs, signal)
    if (release === undefined) return limited({ ...question, lane: 'calls' })
    const heldUntilMs = client.clock.monotonicMs() + longestWaitMs
    const path = `${question.path}&index=${index}&wait=${waitMs}ms`
    try {
      return await limited({ ...question, lane: 'watches', path })
    } finally {
      // a query that is left keeps its connection at the server until its wait is over
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
