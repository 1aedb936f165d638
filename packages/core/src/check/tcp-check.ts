import { connect } from 'node:net'

/** A check that a connection to host and port of `url` is accepted; it is closed at once. */
export const tcpCheck =
  (url: URL) =>
  (signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const host = url.hostname.replaceAll(/^\[|\]$/g, '')
      const socket = connect({ host, port: Number(url.port), signal })
      socket.once('connect', () => {
        socket.destroy()
        resolve()
      })
      socket.on('error', (error) => {
        reject(new Error(`${url.host} accepts no connection: ${error.message}`, { cause: error }))
      })
    })
