import { show, suggestion } from '@sd/core/driver'
import { readFile } from 'node:fs/promises'
import { configError } from './config-error.ts'

const tlsFields = ['ca', 'cert', 'key'] as const

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Validates `config.tlsFiles`: a file name for each field. Throws `invalid-config`. */
export const validateTlsFiles = (
  backend: string,
  config: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, string> => {
  const { tlsFiles, tls = {} } = config
  const files = new Map<string, string>()
  if (tlsFiles === undefined) return files
  if (!isObject(tlsFiles))
    throw configError(`tlsFiles is ${show(tlsFiles)}; expected an object of ca, cert, key`, backend)
  for (const [field, file] of Object.entries(tlsFiles)) {
    if (!tlsFields.some((known) => known === field))
      throw configError(`unknown key "tlsFiles.${field}"${suggestion(field, tlsFields)}`, backend)
    if (file === undefined) continue
    if (typeof file !== 'string' || file === '' || file.includes('\0'))
      throw configError(`tlsFiles.${field} is ${show(file)}; expected a file's name`, backend)
    if (isObject(tls) && tls[field] !== undefined)
      throw configError(`tlsFiles.${field} and tls.${field} are both given; expected one`, backend)
    files.set(field, file)
  }
  return files
}

/** Reads `files` into the `tls` of `config`. Throws `invalid-config` with the file's name. */
export const readTlsFiles = async (
  backend: string,
  config: Readonly<Record<string, unknown>>,
  files: ReadonlyMap<string, string>,
): Promise<Readonly<Record<string, unknown>>> => {
  if (files.size === 0) return config
  const contents = await Promise.all(
    [...files].map(async ([field, file]): Promise<readonly [string, string]> => {
      try {
        return [field, await readFile(file, 'utf8')]
      } catch (cause) {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
        throw configError(
          `tlsFiles.${field} is ${show(file)}, which cannot be read (${code})`,
          backend,
          cause,
        )
      }
    }),
  )
  const tls = isObject(config['tls']) ? config['tls'] : {}
  return { ...config, tls: { ...tls, ...Object.fromEntries(contents) } }
}
