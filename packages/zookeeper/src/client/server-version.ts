import type { ConnectionOptions as SecureOptions } from 'node:tls'
import type { Clock } from '@sd/core/driver'
import type { ZooKeeperConfig } from '../config.ts'
import { dialHost, readyEvent } from './connection/dial-host.ts'
import { parseHost } from './connection/host-rotation.ts'
import { secureOptionsOf } from './secure-options.ts'

/** For all servers together, as a frozen one does not answer. */
const timeoutMs = 1_000

const versionLine = /^Zookeeper version: ([^,\s-]+)/

/** The answer to `srvr`, the only four-letter word that servers answer by default. */
const askServer = (
  hostAndPort: string,
  secure: SecureOptions | undefined,
  signal: AbortSignal,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = dialHost(parseHost(hostAndPort) ?? { host: hostAndPort, port: 0 }, secure)
    const aborted = (): void => void socket.destroy()
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    let answer = ''
    socket.once(readyEvent(secure), () => socket.write('srvr'))
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')))
    socket.once('error', reject)
    socket.once('close', () => resolve(answer))
  })

/**
 * The version in the first answer of these servers; `unknown` if none answers within a second
 * (`4lw.commands.whitelist`). Rejects with the signal's reason only.
 */
export const serverVersion = async (
  config: Pick<ZooKeeperConfig, 'hosts' | 'tls' | 'tlsFiles'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> => {
  const answered = new AbortController()
  const asking = AbortSignal.any([signal, answered.signal])
  const timer = clock.setTimer(timeoutMs, () => answered.abort())
  const secureOptions = secureOptionsOf(config)
  const versions = config.hosts.map(async (host) => {
    const answer = await askServer(host, await secureOptions?.(), asking)
    const version = versionLine.exec(answer)?.[1]
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
