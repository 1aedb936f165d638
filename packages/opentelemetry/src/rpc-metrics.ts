import type { Attributes, Meter } from '@opentelemetry/api'
import { requestBoundaries } from './call-metrics.ts'
import { rpcChannelName, type RpcMessage } from './channel-messages.ts'
import { rpcAttributes, rpcOutcomeAttributes } from './rpc-attributes.ts'
import { listen, type Stop } from './subscription.ts'

interface RunningCall {
  readonly startedMs: number
  readonly attributes: Attributes
}

/** Measures the gRPC calls of this process to services by name, each with all its attempts. */
export const measureRpc = (meter: Meter): Stop => {
  const duration = meter.createHistogram('rpc.client.call.duration', {
    unit: 's',
    description: 'Duration of outgoing gRPC calls, with all attempts.',
    advice: { explicitBucketBoundaries: requestBoundaries },
  })
  const running = new WeakMap<object, RunningCall>()
  return listen(rpcChannelName, ({ event, call, service, method, authority, code }: RpcMessage) => {
    if (event === 'start')
      running.set(call, {
        startedMs: performance.now(),
        attributes: rpcAttributes(service, method, authority),
      })
    if (event !== 'end') return
    const started = running.get(call)
    if (started === undefined) return
    running.delete(call)
    duration.record((performance.now() - started.startedMs) / 1_000, {
      ...started.attributes,
      ...rpcOutcomeAttributes(code),
    })
  })
}
