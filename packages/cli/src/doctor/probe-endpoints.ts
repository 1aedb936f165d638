import type { InstanceRecord } from '@sd/core/driver'
import { addressOf, connectOnce } from '../run-command/readiness.ts'

const timeoutMs = 2_000
const concurrency = 32

/** An endpoint that does not answer. */
export interface SilentEndpoint {
  readonly service: string
  readonly id: string
  readonly endpoint: string
  readonly reason: string
}

/** Connects to every endpoint that has a port. Returns those that do not answer. */
export const probeEndpoints = async (
  records: readonly InstanceRecord[],
  signal: AbortSignal,
): Promise<{ readonly probed: number; readonly silent: readonly SilentEndpoint[] }> => {
  const waiting = records.flatMap(({ instance: { service, id, endpoints } }) =>
    endpoints.flatMap((endpoint) => {
      const address = addressOf(endpoint)
      return address === undefined ? [] : [{ service, id, endpoint, address }]
    }),
  )
  const probed = waiting.length
  const silent: SilentEndpoint[] = []
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted()
      const { address, ...subject } = next
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      await connectOnce(address.host, address.port, bounded).catch((error: Error) => {
        const reason = bounded.aborted ? `no answer within ${timeoutMs} ms` : error.message
        silent.push({ ...subject, reason })
      })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return { probed, silent }
}
