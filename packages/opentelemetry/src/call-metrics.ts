import type { Attributes, Meter } from '@opentelemetry/api'
import { outcomeAttributes, requestAttributes } from './attributes.ts'
import {
  type BalancerMessage,
  balancerChannelName,
  type PickMessage,
  pickChannelName,
  requestChannelName,
  type RequestMessage,
} from './channel-messages.ts'
import { listen, type Stop, stopAll } from './subscription.ts'

interface RunningRequest {
  readonly startedMs: number
  readonly attributes: Attributes
  status?: number | undefined
}

/**
 * The bounds of histograms of requests, in seconds.
 * https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
 */
export const requestBoundaries: number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

const service = (name: string | undefined): Attributes =>
  name === undefined ? {} : { 'sd.service': name }

const retryReason = ({ sent, status }: RequestMessage): string => {
  if (status !== undefined) return 'status'
  return sent === true ? 'failed' : 'unreached'
}

const measureRequests = (meter: Meter): Stop => {
  const duration = meter.createHistogram('http.client.request.duration', {
    unit: 's',
    description: 'Duration of HTTP client requests, with all tries.',
    advice: { explicitBucketBoundaries: requestBoundaries },
  })
  const retries = meter.createCounter('sd.client.retries', {
    unit: '{retry}',
    description: 'Further tries of HTTP requests, by reason.',
  })
  const running = new WeakMap<object, RunningRequest>()
  const ended = ({ call, cause }: RequestMessage): void => {
    const request = running.get(call)
    if (request === undefined) return
    running.delete(call)
    duration.record((performance.now() - request.startedMs) / 1_000, {
      ...request.attributes,
      ...outcomeAttributes(request.status, cause),
    })
  }
  return listen(requestChannelName, (message: RequestMessage) => {
    const { event, call, method, origin, status } = message
    if (event === 'start')
      running.set(call, {
        startedMs: performance.now(),
        attributes: requestAttributes(message.service, method, origin),
      })
    else if (event === 'retry' || event === 'hedge')
      retries.add(1, {
        ...service(message.service),
        'sd.retry.reason': event === 'hedge' ? 'hedge' : retryReason(message),
      })
    else if (event === 'response' || event === 'upgrade') {
      const request = running.get(call)
      if (request !== undefined) request.status = status
    }
    if (event === 'end' || event === 'upgrade' || event === 'error') ended(message)
  })
}

const countBalancing = (meter: Meter): readonly Stop[] => {
  const picks = meter.createCounter('sd.balancer.picks', {
    unit: '{pick}',
    description: 'Instances that were picked for calls.',
  })
  const ejections = meter.createCounter('sd.balancer.ejections', {
    unit: '{ejection}',
    description: 'Instances that were ejected after failed calls, by reason.',
  })
  return [
    listen(pickChannelName, (message: PickMessage) => picks.add(1, service(message.service))),
    listen(balancerChannelName, (message: BalancerMessage) => {
      if (message.event === 'instance-ejected')
        ejections.add(1, {
          ...service(message.service),
          'sd.ejection.reason': message.reason ?? '_OTHER',
        })
    }),
  ]
}

/** Counts the calls of this process to services by name: they do not say by which registry. */
export const countCalls = (meter: Meter): Stop => {
  const stops = [measureRequests(meter), ...countBalancing(meter)]
  return () => stopAll(stops)
}
