import { abortable, type DriverSession, type Observation, type PutRequest } from '@sd/core/driver'
import type { OpenDriver } from '../open-driver.ts'
import { type StepResult, takeStep } from './step.ts'

const requestOf = (service: string, ttlMs: number): PutRequest => {
  const nowMs = Date.now()
  return {
    instance: {
      service,
      id: 'doctor',
      endpoints: ['http://sd-doctor.invalid:1'],
      weight: 0,
      health: 'passing',
      tags: [],
      metadata: {},
    },
    claim: { owner: service, claimedAtMs: nowMs, seq: 0 },
    mode: 'if-newer',
    ttlMs,
    registeredAtMs: nowMs,
  }
}

/** Whether an observation of the test service shows the record as present, or as absent. */
const tells = (observation: Observation, present: boolean): boolean => {
  if (observation.type === 'alive') return false
  if (present) return observation.records.length > 0
  return observation.type === 'snapshot'
    ? observation.records.length === 0
    : observation.removed.length > 0
}

/** Watches the test service while a record is written and removed. */
async function* rehearseIn(
  session: DriverSession,
  { driver, ttlMs, call }: OpenDriver,
  service: string,
  signal: AbortSignal,
): AsyncGenerator<StepResult> {
  const request = requestOf(service, ttlMs)
  const { id } = request.instance
  const ends = new AbortController()
  const scope = AbortSignal.any([ends.signal, signal])
  const observations = driver.observe({ service }, undefined, scope)[Symbol.asyncIterator]()
  const sees = (present: boolean, found: string): Promise<string> =>
    call('watch', async (bounded) => {
      for (;;) {
        const { value } = await abortable(observations.next(), bounded)
        if (tells(value as Observation, present)) return found
      }
    })
  const write = async (): Promise<string> => {
    const [outcome] = await call('put', (bounded) => session.put([request], bounded))
    if (outcome?.result === 'error') throw outcome.error
    return 'one record'
  }
  const remove = async (): Promise<string> => {
    const ref = { service, id, owner: request.claim.owner }
    const [outcome] = await call('remove', (bounded) => session.remove([ref], bounded))
    if (outcome?.result === 'error') throw outcome.error
    return 'the record is removed'
  }
  const steps: readonly (readonly [string, () => Promise<string>])[] = [
    ['watch', () => sees(false, 'attached')],
    ['write', write],
    ['notice', () => sees(true, 'the watch delivers the record')],
    ['remove', remove],
    ['notice', () => sees(false, 'the watch delivers its removal')],
  ]
  try {
    for (const [step, work] of steps) {
      const result = await takeStep(step, signal, work)
      yield result
      // the later steps depend on this one
      if (result.status === 'fail') return
    }
  } finally {
    ends.abort()
    void observations.return?.().catch(() => {})
  }
}

/**
 * Acts as a service and its reader under the name `service`: opens a session, watches, writes,
 * observes the record, removes it, observes the removal. Leaves nothing behind.
 */
export async function* rehearse(
  open: OpenDriver,
  service: string,
  signal: AbortSignal,
): AsyncGenerator<StepResult> {
  const { driver, ttlMs, call, leave } = open
  let session: DriverSession | undefined
  yield takeStep('session', signal, async () => {
    session = await call('open-session', (bounded) => driver.openSession({ ttlMs }, bounded))
    const { grantedTtlMs } = session
    return `ttl ${grantedTtlMs} ms${grantedTtlMs === ttlMs ? '' : `, ${ttlMs} ms was requested`}`
  })
  if (session === undefined) return
  const opened = session
  try {
    yield* rehearseIn(opened, open, service, signal)
  } finally {
    await leave(opened)
  }
}
