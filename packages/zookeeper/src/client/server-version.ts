import { connect } from 'node:net'

const versionLine = /^Zookeeper version: ([^,\s-]+)/

/** The answer to the four-letter word `srvr`, the one that servers answer unless told otherwise. */
const askServer = (hostAndPort: string, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const colon = hostAndPort.lastIndexOf(':')
    const host = hostAndPort.slice(0, colon).replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(hostAndPort.slice(colon + 1)), signal })
    let answer = ''
    socket.once('connect', () => socket.end('srvr'))
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => resolve(answer))
  })

/**
 * The version that one of these servers tells first; `unknown` where none does
 * (`4lw.commands.whitelist`). Rejects with the signal's reason only.
 */
export const serverVersion = async (
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<string> => {
  const answered = new AbortController()
  const asking = AbortSignal.any([signal, answered.signal])
  const versions = hosts.map(async (host) => {
    const version = versionLine.exec(await askServer(host, asking))?.[1]
    if (version === undefined) throw new Error(`${host} does not tell its version`)
    return version
  })
  try {
    return await Promise.any(versions)
  } catch {
    signal.throwIfAborted()
    return 'unknown'
  } finally {
    answered.abort()
  }
}
