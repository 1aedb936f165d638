import { resolve } from 'node:path'
import { ConfigCheck, type HeartbeatConfig } from '@sd/core/driver'
import { defaultPath } from './default-path.ts'
import { backend } from './errors.ts'
import type { StoreOptions } from './worker/store-api.ts'

/** Options of `sqlite`. Every field is optional. */
export interface SqliteConfig extends HeartbeatConfig {
  /**
   * The path of the shared file, on a local disk; relative to the working directory. Default
   * `sd/registry.db` in the platform's folder for the user's program state: `$XDG_STATE_HOME`, else
   * `~/.local/state`, on macOS `~/Library/Application Support`; on Windows `%LOCALAPPDATA%`. Missing
   * folders are created with access for this user only, and so is the file, unless its folder has the
   * set-group-ID bit and is writable for its group: then its group has access, too.
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
        'the path of a file, as this user has no home folder (or set SD_URL=sqlite:///path/to/registry.db)',
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
 * Returns a validated, frozen copy of `value` with path and namespace filled in. Throws
 * `invalid-config`, naming the field, the given value and the accepted ones; refuses unknown keys.
 */
export const validateSqliteConfig = (value: unknown): StoreOptions & HeartbeatConfig => {
  const given = check.object(value, ['path', 'namespace', 'heartbeat', 'maxBlockMs'])
  const { path, namespace } = given
  return Object.freeze({
    path: readPath(path),
    namespace: check.namespace(namespace ?? 'services'),
    ...check.heartbeat(given),
  })
}
