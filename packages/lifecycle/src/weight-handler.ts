import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Registration, RegistryError } from '@sd/core'

/** Who may read and change the weight. */
export interface WeightHandlerOptions {
  /** Whether the request is allowed. Node's handler converts its request to a `Request`. */
  readonly authorize: (request: Request) => boolean | Promise<boolean>
}

/** The handler as a Web-standard function, and for `node:http`, Express and Fastify's `raw`. */
export interface WeightHandler {
  (request: Request): Promise<Response>
  readonly node: (request: IncomingMessage, response: ServerResponse) => void
}

const json = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })

const readWeight = (request: Request): number | undefined => {
  const text = new URL(request.url).searchParams.get('weight')
  return text !== null && /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? Number(text)
    : undefined
}

const statusOf = (error: unknown): number =>
  error instanceof RegistryError && (error.code === 'conflict' || error.code === 'closed')
    ? 409
    : 503

const answer = async (
  registration: Registration | undefined,
  request: Request,
): Promise<Response> => {
  const { method } = request
  if (registration === undefined) return json(503, { error: 'the instance is not registered yet' })
  if (method === 'GET' || method === 'HEAD') return json(200, registration.instance)
  if (method !== 'PUT' && method !== 'POST')
    return json(
      405,
      { error: `${method} is not allowed; expected GET, PUT or POST` },
      {
        allow: 'GET, HEAD, PUT, POST',
      },
    )
  const weight = readWeight(request)
  if (weight === undefined)
    return json(400, { error: 'expected ?weight=N with a whole number from 0 to 65535' })
  try {
    await registration.update({ weight }, { signal: request.signal })
    return json(200, registration.instance)
  } catch (error) {
    return json(statusOf(error), { error: (error as Error).message })
  }
}

const toWeb = (request: IncomingMessage, signal: AbortSignal): Request => {
  const { method = 'GET', url = '/', headersDistinct } = request
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value)
  return new Request(new URL(url, 'http://localhost'), { method, headers, signal })
}

/**
 * Serves the weight of the running instance: `GET` returns the registered instance, `PUT` or
 * `POST` with `?weight=N` changes its weight in place (0 drains it) and answers once the registry
 * acknowledges it. Answers 400 for an invalid weight, 403 if `authorize` refuses, 405 for another
 * method, 409 when the registration has ended, 503 when the registry cannot be reached.
 *
 * A function as `registration` is called for each request: for routes that exist before the
 * instance is registered. While it returns `undefined`, the answer is 503.
 * @throws RegistryError `invalid-argument` if `authorize` is missing
 */
export const weightHandler = (
  registration: Registration | (() => Registration | undefined),
  { authorize }: WeightHandlerOptions,
): WeightHandler => {
  if (typeof authorize !== 'function')
    throw new RegistryError('invalid-argument', {
      backend: 'core',
      operation: 'weight-handler',
      message: 'authorize is missing; expected a function that says who may change the weight',
    })
  const handle = async (request: Request): Promise<Response> => {
    if (!(await authorize(request)))
      return json(403, { error: 'not allowed to read or change the weight' })
    return answer(typeof registration === 'function' ? registration() : registration, request)
  }
  const node = (request: IncomingMessage, response: ServerResponse): void => {
    const left = new AbortController()
    response.once('close', () => left.abort())
    handle(toWeb(request, left.signal))
      .catch((error: unknown) => json(500, { error: (error as Error).message }))
      .then((answered) => writeResponse(request, response, answered))
      .catch(() => response.destroy())
  }
  return Object.assign(handle, { node })
}

/** Writes a Web `Response` to Node's `ServerResponse`. */
export const writeResponse = async (
  { method }: IncomingMessage,
  response: ServerResponse,
  answered: Response,
): Promise<void> => {
  const body = Buffer.from(await answered.arrayBuffer())
  response.writeHead(answered.status, {
    ...Object.fromEntries(answered.headers),
    'content-length': body.byteLength,
  })
  response.end(method === 'HEAD' ? undefined : body)
}
