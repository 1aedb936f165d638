import { readFile } from 'node:fs/promises'
import type { ConnectionOptions as SecureOptions } from 'node:tls'
import type { ZooKeeperConfig } from '../config.ts'

const toPem = (value: string | Uint8Array): string | Buffer =>
  typeof value === 'string' ? value : Buffer.from(value)

/**
 * The TLS options of each connection; `undefined` without TLS. It reads the named files each time, so
 * that a replaced certificate needs no restart. Its errors name the field and the file.
 */
export const secureOptionsOf = ({
  tls,
  tlsFiles,
}: Pick<ZooKeeperConfig, 'tls' | 'tlsFiles'>): (() => Promise<SecureOptions>) | undefined => {
  if (tls === undefined && tlsFiles === undefined) return undefined
  const read = async (field: 'ca' | 'cert' | 'key') => {
    const given = tls?.[field]
    if (given !== undefined) return { [field]: toPem(given) }
    const file = tlsFiles?.[field]
    if (file === undefined) return {}
    try {
      return { [field]: await readFile(file) }
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
      throw new Error(`tlsFiles.${field}, ${file}, cannot be read (${code})`, { cause })
    }
  }
  const servername = tls?.serverName === undefined ? {} : { servername: tls.serverName }
  return async () => {
    const [ca, cert, key] = await Promise.all([read('ca'), read('cert'), read('key')])
    return { ...ca, ...cert, ...key, ...servername }
  }
}
