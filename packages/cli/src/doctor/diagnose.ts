import type { Contents, WireFormat } from '@sd/core/driver'
import { RegistryError } from '@sd/registry'
import type { OpenDriver } from '../open-driver.ts'
import { counted } from '../output/counted.ts'
import { lostParts } from '../output/lost-parts.ts'
import { probeEndpoints } from './probe-endpoints.ts'
import { rehearse } from './rehearse.ts'
import { type StepResult, takeStep } from './step.ts'

/** A larger clock offset disturbs "the newer wins". */
const clockOffsetLimitMs = 1_000

/** Connects and authenticates. A server that answers with a refusal counts as connected. */
async function* reach(
  { driver, call }: OpenDriver,
  signal: AbortSignal,
): AsyncGenerator<StepResult> {
  let refused: RegistryError | undefined
  yield takeStep('connect', signal, async () => {
    try {
      await call('probe', (bounded) => driver.probe(bounded))
    } catch (error) {
      if (!(error instanceof RegistryError && error.code === 'permission-denied')) throw error
      refused = error
    }
    return `to ${driver.backend}`
  })
  yield takeStep('authenticate', signal, async () => {
    if (refused !== undefined) throw refused
    await call('list', (bounded) => driver.list({ services: true }, bounded))
    return 'may read'
  })
}

const clock = (offsetMs: number | undefined): StepResult => {
  if (offsetMs === undefined)
    return { status: 'ok', step: 'clock', detail: 'the server does not report its time' }
  return {
    status: Math.abs(offsetMs) > clockOffsetLimitMs ? 'warn' : 'ok',
    step: 'clock',
    detail: `the server's is ${Math.abs(Math.round(offsetMs))} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} the local clock`,
  }
}

async function* describeServer(
  { driver, call }: OpenDriver,
  signal: AbortSignal,
): AsyncGenerator<StepResult> {
  const ask = driver.diagnose?.bind(driver)
  if (ask === undefined) {
    yield { status: 'ok', step: 'server', detail: 'this backend reports no version' }
    return
  }
  let offsetMs: number | undefined
  const server = await takeStep('server', signal, async () => {
    const told = await call('diagnose', ask)
    offsetMs = told.clockOffsetMs
    return { detail: `version ${told.serverVersion}`, lines: told.limits }
  })
  yield server
  if (server.status === 'ok') yield clock(offsetMs)
}

const unreadable = ({ skipped }: Contents): StepResult => ({
  status: skipped.length === 0 ? 'ok' : 'warn',
  step: 'records',
  detail:
    skipped.length === 0
      ? 'all records can be read'
      : `${counted(skipped.length, 'record')} cannot be read`,
  lines: skipped.map(({ key, reason }) => `${key}: ${reason}`),
})

const probe = async ({ records }: Contents, signal: AbortSignal): Promise<StepResult> => {
  const { probed, silent } = await probeEndpoints(records, signal)
  return {
    status: silent.length === 0 ? 'ok' : 'fail',
    step: 'endpoints',
    detail: `no answer from ${silent.length} of ${counted(probed, 'endpoint')}`,
    lines: silent.map(
      ({ service, id, endpoint, reason }) => `${service}/${id} ${endpoint}: ${reason}`,
    ),
  }
}

/** What the format of another fleet cannot carry; nothing for the format of `@sd`. */
function* describeFormat({
  name,
  lacks,
  foreignWriters = false,
}: WireFormat): Generator<StepResult> {
  if (lacks.length === 0 && !foreignWriters) return
  yield {
    status: lacks.length === 0 ? 'ok' : 'warn',
    step: 'format',
    detail: `${name} carries ${lacks.length === 0 ? 'everything' : `no ${lostParts(lacks)}`}`,
    lines: [
      ...(lacks.includes('claim')
        ? ['without a claim no id is taken over: registering an id fails until its record is gone']
        : []),
      ...(foreignWriters
        ? ['other programs write it: their record under an id of yours supersedes yours']
        : []),
    ],
  }
}

/** Options of a diagnosis. */
export interface DiagnosisOptions {
  /** The service of the test record, which is removed again. */
  readonly service: string
  /** Whether to connect to every endpoint. */
  readonly probe: boolean
  readonly signal: AbortSignal
}

/** Diagnoses a registry; yields the result of each step when it is known. */
export async function* diagnose(
  open: OpenDriver,
  { service, probe: wantsProbe, signal }: DiagnosisOptions,
): AsyncGenerator<StepResult> {
  yield* describeFormat(open.format)
  for await (const result of reach(open, signal)) {
    yield result
    // each later step would fail for the same reason after its deadline
    if (result.status === 'fail') return
  }
  yield* describeServer(open, signal)
  let contents: Contents | undefined
  yield takeStep('read', signal, async () => {
    contents = await open.call('list', (bounded) => open.driver.list({ all: true }, bounded))
    const services = new Set(contents.records.map(({ instance }) => instance.service))
    return `${counted(contents.records.length, 'instance')} of ${counted(services.size, 'service')}`
  })
  yield* rehearse(open, service, signal)
  if (contents === undefined) return
  yield unreadable(contents)
  if (wantsProbe) yield probe(contents, signal)
}
