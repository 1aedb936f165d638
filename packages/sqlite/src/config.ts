import { resolve } from 'node:path'
import { ConfigCheck } from '@sd/core/driver'
import { defaultPath } from './default-path.ts'
import { backend } from './errors.ts'
import type { StoreOptions } from './worker/store-api.ts'

/** What `sqlite` takes. Every field is optional. */
export interface SqliteConfig {
  /**
   * The file that the processes share, on a local disk; a relative one counts from the working
   * directory. Default `sd/registry.db` where the user's programs keep their state:
   * `$XDG_STATE_HOME`, `~/.local/state`, on macOS `~/Library/Application Support`, on Windows
   * `%LOCALAPPDATA%`. File and folder are made for this user alone.
   */
  readonly path?: string | undefined
  /** Instances of different namespaces never see each other. Default `services`. */
  readonly namespace?: string | undefined
}

const check = new ConfigCheck(backend)

const readPath = (value: unknown): string => {
  if (value === undefined)
    return (
      defaultPath() ??
      check.expected(
        'path',
        value,
        'the name of a file, as this user has no home folder (or set SD_URL=sqlite:///path/to/registry.db)',
      )
    )
  if (value === ':memory:' || value === '')
    return check.expected('path', value, "a file's name; for a registry in memory use @sd/memory")
  if (
    typeof value !== 'string' ||
    !value.isWellFormed() ||
    value.includes('\0') ||
    /^file:/i.test(value) ||
    /[/\\]$/.test(value)
  )
    return check.expected('path', value, "a file's name, no URL and no folder")
  return resolve(value)
}

/**
 * A checked, frozen copy of `value`, with path and namespace filled in. Throws `invalid-config`
 * naming the field, what was given and what is accepted; unknown keys are refused.
 */
export const validateSqliteConfig = (value: unknown): StoreOptions => {
  const { path, namespace } = check.object(value, ['path', 'namespace'])
  return Object.freeze({
    path: readPath(path),
    namespace: check.namespace(namespace ?? 'services'),
  })
}
