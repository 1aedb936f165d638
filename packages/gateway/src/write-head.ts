import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Outgoing } from './messages.ts'

const isHttp1 = (response: Outgoing): response is ServerResponse =>
  'statusMessage' in response && !('stream' in response)

/** Headers of a flat list by name; what is repeated becomes a list. HTTP/2 takes no other form. */
export const byName = (flat: readonly string[]): OutgoingHttpHeaders => {
  const headers: Record<string, string | string[]> = Object.create(null) as object as never
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    const value = flat[i + 1] as string
    const before = headers[name]
    headers[name] =
      before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value]
  }
  return headers
}

/** Begins a response with a flat list of headers. HTTP/2 has no status text. */
export const writeHead = (
  response: Outgoing,
  status: number,
  statusText: string | undefined,
  headers: string[],
): void => {
  if (!isHttp1(response)) response.writeHead(status, byName(headers))
  // Node adds a text of its own only for `undefined`
  else if (statusText === undefined) response.writeHead(status, headers)
  else response.writeHead(status, statusText, headers)
}

/**
 * Sets a head that is sent with the end of a response without a body. In HTTP/2 it is then the whole
 * response: gRPC reads the status of a call in it.
 */
export const setHead = (
  response: Outgoing,
  status: number,
  headers: OutgoingHttpHeaders | Readonly<Record<string, string>>,
): void => {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) response.setHeader(name, value)
}

/** Adds trailers from a flat list. In HTTP/1.1 a response with a length has none. */
export const addTrailers = (response: Outgoing, trailers: readonly string[]): void => {
  const kept = byName(trailers)
  delete kept['content-length']
  response.addTrailers(kept)
}
