import { connect } from 'node:net'
import type { Clock } from '@sd/core/driver'

/** For all servers together, as a frozen one does not answer. */
const timeoutMs = 1_000

const versionLine = /^Zookeeper version: ([^,\s-]+)/

/** The answer to `srvr`, the only four-letter word that servers answer by default. */
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
 * The version in the first answer of these servers; `unknown` if none answers within a second
 * (`4lw.commands.whitelist`). Rejects with the signal's reason only.
 */
export const serverVersion = async (
  hosts: readonly string[],
  clock: Clock,
  signal: AbortSignal,
): Promise<string> => {
  const answered = new AbortController()
  const asking = AbortSignal.any([signal, answered.signal])
  const timer = clock.setTimer(timeoutMs, () => answered.abort())
  const versions = hosts.map(async (host) => {
    const version = versionLine.exec(await askServer(host, asking))?.[1]
    if (version === undefined) throw new Error(`${host} does not report its version`)
    return version
  })
  try {
    return await Promise.any(versions)
  } catch {
    signal.throwIfAborted()
    return 'unknown'
  } finally {
    timer.cancel()
    answered.abort()
  }
}
