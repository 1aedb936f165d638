import {
  Registry,
  registryOptionKeys,
  type RegistryOptions,
  resolveRegistryOptions,
  type WaitOptions,
} from '@sd/core'
import {
  abortable,
  type DriverFactory,
  nearestName,
  type RegistryDriver,
  show,
  suggestion,
} from '@sd/core/driver'
import { type Backend, backendNames, findBackend } from './backends.ts'
import { configError } from './config-error.ts'
import { checkedFactory, isDriver, validateDriver } from './custom-backend.ts'
import { loadBackend } from './load-backend.ts'
import { parseRegistryUrl } from './parse-registry-url.ts'
import { readTlsFiles, validateTlsFiles } from './read-tls-files.ts'
import type { RegistrySource } from './registry-config.ts'

type Fields = Readonly<Record<string, unknown>>

const optionKeys: ReadonlySet<string> = new Set(registryOptionKeys)

/** Refuses unknown keys, and parts core's options from the backend's own configuration. */
const splitFields = (
  config: Fields,
  ownKeys: readonly string[],
): { options: RegistryOptions; own: Fields } => {
  const options: Record<string, unknown> = {}
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) {
    if (key === 'backend') continue
    const known = optionKeys.has(key) ? options : ownKeys.includes(key) ? own : undefined
    if (known === undefined)
      throw configError(
        `unknown key "${key.slice(0, 40)}"${suggestion(key, ['backend', ...ownKeys, ...optionKeys])}`,
      )
    // a field set to undefined is a field left out
    if (value !== undefined) known[key] = value
  }
  resolveRegistryOptions(options)
  return { options, own }
}

/** What a source stands for: enough to make a registry, or several that share one configuration. */
export interface ResolvedBackend {
  /** The name of one of ours; `undefined` for somebody else's driver. */
  readonly backend?: string
  /** Makes the driver; no I/O. `new Registry(driver, options)` makes the registry. */
  readonly driver: DriverFactory | RegistryDriver
  /** Core's options, as far as the source named any. */
  readonly options: RegistryOptions
}

const resolveNamed = async (
  name: string,
  config: Fields,
  backend: Backend,
): Promise<ResolvedBackend> => {
  const { options, own } = splitFields(config, Object.keys(backend.keys))
  const files = validateTlsFiles(name, own)
  const { validate, create } = await loadBackend(name, backend)
  const { tlsFiles: _, ...bare } = own
  validate(bare)
  const complete = await readTlsFiles(name, bare, files)
  // `create` checks again, now with the files' contents
  return { backend: name, driver: create(complete as never), options }
}

const resolveCustom = (source: unknown, options: RegistryOptions): ResolvedBackend => ({
  driver:
    typeof source === 'function'
      ? checkedFactory(source as DriverFactory)
      : validateDriver('backend', source),
  options,
})

const urlOfEnvironment = (): string => {
  const url = process.env['SD_URL']
  // set and empty is a deployment's mistake: falling back would hide it
  if (url === '') throw configError('SD_URL is empty; expected a registry URL, or no SD_URL at all')
  return url ?? 'sqlite:'
}

/** The fields of a configuration that names its backend by `url`, or by the environment. */
const fieldsOfUrl = (config: Fields): Fields => {
  // a field that is there and undefined is a mistake like an empty SD_URL
  const { url, ...beside } = 'url' in config ? config : { ...config, url: urlOfEnvironment() }
  if (typeof url !== 'string')
    throw configError(`url is ${show(url)}; expected a registry URL, or no url for that of SD_URL`)
  const given = Object.entries(beside).filter(([, value]) => value !== undefined)
  return { ...parseRegistryUrl(url), ...Object.fromEntries(given) }
}

const oldestNode = [22, 19] as const

/** Older ones lack `node:sqlite` and methods of arrays and maps: what fails then names neither. */
const checkNode = (): void => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestNode
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor))
    throw configError(
      `this is Node ${process.versions.node}; expected ${oldestNode.join('.')} or later`,
    )
}

/**
 * What `createRegistry` does before it makes the registry: for whoever stands between core and a
 * driver (wraps it, or makes several registries of one configuration). Takes and throws the same.
 */
export const resolveBackend = async (source?: RegistrySource): Promise<ResolvedBackend> => {
  checkNode()
  const given: unknown = source === undefined ? urlOfEnvironment() : source
  const config: unknown = typeof given === 'string' ? parseRegistryUrl(given) : given
  if (typeof config === 'function' || isDriver(config)) return resolveCustom(config, {})
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw configError(`the configuration is ${show(config)}; expected an object, a URL or a driver`)
  const fields: Fields = 'backend' in config ? { ...config } : fieldsOfUrl({ ...config })
  const { backend } = fields
  if (typeof backend === 'function' || (typeof backend === 'object' && backend !== null))
    return resolveCustom(backend, splitFields(fields, []).options)
  const known = typeof backend === 'string' ? findBackend(backend) : undefined
  if (typeof backend !== 'string' || known === undefined) {
    const nearest = typeof backend === 'string' ? nearestName(backend, backendNames) : undefined
    throw configError(
      `backend is ${show(backend)}; expected ${backendNames.join(', ')} or a driver` +
        (nearest === undefined ? '' : `; did you mean "${nearest}"?`),
    )
  }
  return resolveNamed(backend, fields, known)
}

/**
 * A registry from one line of configuration:
 *
 * - an object with `backend` naming one of ours, core's options and the backend's own;
 * - a URL, see `parseRegistryUrl`: `etcd://h1:2379,h2:2379/services?ttl=10s`, `memory:`;
 * - an object with that `url` and what no URL can say: `{ url, logger }`;
 * - somebody else's driver, or a function that makes one: bare, or as `backend` of an object;
 * - nothing, or an object with neither `backend` nor `url`: the URL in the environment variable
 *   `SD_URL`, else `sqlite:`, the embedded default: one file, which the user's processes on this
 *   machine share.
 *
 * Checks everything, imports the backend's package and reads the PEM files named; it talks to no
 * server and opens no other file. `signal` ends the waiting for that; it rejects with its reason.
 *
 * @throws RegistryError `invalid-config` naming the field, what was given and what is accepted;
 * also for a backend whose package is not installed
 */
export const createRegistry = async (
  source?: RegistrySource,
  { signal }: WaitOptions = {},
): Promise<Registry> => {
  signal?.throwIfAborted()
  const resolved = resolveBackend(source)
  const { driver, options } = await (signal === undefined ? resolved : abortable(resolved, signal))
  return new Registry(driver, options)
}
