import type { Exchange } from './exchange.ts'
import type { Incoming } from './messages.ts'
import type { OwnPath } from './own-paths.ts'
import { refusal } from './problem.ts'
import { isHost, targetProblem } from './request-target.ts'
import type { Route } from './route.ts'
import type { Routes } from './routes.ts'

/** Whether there are several Host headers, of which an instance might read another one. */
const repeatsHost = ({ rawHeaders }: Incoming): boolean => {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count > 1
}

/**
 * The route for a request that may be forwarded; the others are answered here, those for the
 * gateway's own paths as well.
 */
export const admit = (
  exchange: Exchange,
  routes: Routes,
  own: ReadonlyMap<string, OwnPath>,
): Route | undefined => {
  const { request, host } = exchange
  const target = request.url as string
  const refuse = (...given: Parameters<typeof refusal>): undefined => {
    exchange.refuse(refusal(...given))
    return undefined
  }
  const problem = targetProblem(target)
  if (problem !== undefined) return refuse('bad-target', problem)
  if ((host !== '' && !isHost(host)) || repeatsHost(request))
    return refuse('bad-host', 'the Host header does not name one host')
  const answer = own.get(target)
  if (answer !== undefined) {
    answer(exchange)
    return undefined
  }
  if (request.method === 'TRACE') return refuse('method-refused', 'TRACE is not forwarded')
  const route = routes.find(host, target)
  if (route === undefined) return refuse('no-route', 'no route matches the host and the path')
  exchange.route = route
  route.requests += 1
  const { service, maxRequests, maxBodyBytes } = route.options
  if (route.requests > maxRequests)
    return refuse(
      'too-many-requests',
      `${maxRequests} requests to the service are under way`,
      service,
    )
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes)
    return refuse('body-too-large', `the body is larger than ${maxBodyBytes} bytes`, service)
  return route
}
