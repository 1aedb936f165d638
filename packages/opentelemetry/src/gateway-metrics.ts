import type { Attributes, Meter } from '@opentelemetry/api'
import { knownMethod } from './attributes.ts'
import { gatewayChannelName, type GatewayMessage } from './channel-messages.ts'
import { requestBoundaries } from './call-metrics.ts'
import { listen, type Stop } from './subscription.ts'

/** Counts and measures the requests of the gateways of this process. */
export const countGateway = (meter: Meter): Stop => {
  const requests = meter.createCounter('sd.gateway.requests', {
    unit: '{request}',
    description: 'Requests that the gateway has ended, by route and status.',
  })
  const duration = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'Duration of HTTP server requests.',
    advice: { explicitBucketBoundaries: requestBoundaries },
  })
  return listen(gatewayChannelName, (message: GatewayMessage) => {
    if (message.event !== 'finished') return
    const { route, service, method, protocol, status, durationMs, reason } = message
    const shared: Attributes = {
      'http.response.status_code': status,
      ...(route === undefined ? {} : { 'http.route': route }),
      ...(service === undefined ? {} : { 'sd.service': service }),
    }
    // why the gateway answered by itself
    const refusal = reason === undefined ? {} : { 'sd.gateway.reason': reason }
    requests.add(1, { ...shared, ...refusal })
    const failed = reason !== undefined || status >= 500
    duration.record(durationMs / 1_000, {
      ...shared,
      'http.request.method': knownMethod(method),
      'network.protocol.version': protocol,
      ...(failed ? { 'error.type': reason ?? String(status) } : {}),
    })
  })
}
