import type { RequestListener } from 'node:http'
import { Pool } from 'undici'

const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

const kept = (raw: readonly string[]): string[] => {
  const headers: string[] = []
  for (let i = 0; i < raw.length; i += 2)
    if (!dropped.has((raw[i] as string).toLowerCase()))
      headers.push(raw[i] as string, raw[i + 1] as string)
  return headers
}

/**
 * The least that a proxy on Node's HTTP server and undici can do: drops hop-by-hop headers, and
 * passes a response on. No names, no retries, no headers of its own, no drain, no request bodies.
 */
export const bareHandler = (target: string): RequestListener => {
  const pool = new Pool(target)
  return (request, response) => {
    let controller: { abort(reason: Error): void } | undefined
    let ended = false
    response.on('close', () => {
      if (!ended) controller?.abort(new Error('the client has left'))
    })
    const { url = '/', method = 'GET', rawHeaders } = request
    pool.dispatch(
      { path: url, method, headers: kept(rawHeaders), body: null },
      {
        onRequestStart: (given) => {
          controller = given
        },
        onResponseStart: ({ rawHeaders: raw }, status, _headers, text) => {
          const texts = ((raw ?? []) as Buffer[]).map((part) => part.toString('latin1'))
          response.writeHead(status, text, kept(texts))
        },
        onResponseData: (given, chunk) => {
          if (response.write(chunk)) return
          given.pause()
          response.once('drain', () => given.resume())
        },
        onResponseEnd: () => {
          ended = true
          response.end()
        },
        onResponseError: () => {
          ended = true
          if (response.headersSent) response.destroy()
          else response.writeHead(502).end()
        },
      },
    )
  }
}
