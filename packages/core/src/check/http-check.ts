/**
 * A check that a GET of `url` is answered with 2xx. It uses a new connection each time, so that it also
 * finds a server that accepts no connections any more. The body is not read.
 */
export const httpCheck =
  (url: URL) =>
  (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      // not imported above: as a module, node:http also loads undici, for its export WebSocket
      const { get } = process.getBuiltinModule(
        url.protocol === 'https:' ? 'node:https' : 'node:http',
      )
      const request = get(url, { agent: false, signal, headers: { connection: 'close' } })
      request.on('response', (response) => {
        const { statusCode = 0 } = response
        response.destroy()
        if (statusCode >= 200 && statusCode < 300) resolve()
        else reject(new Error(`${url.href} answers ${statusCode}`))
      })
      request.on('error', (error) => {
        reject(new Error(`${url.href} does not answer: ${error.message}`, { cause: error }))
      })
    })
