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
import { createDefaultNotices } from './default-notices.ts'
import { loadBackend } from './load-backend.ts'
import { parseRegistryUrl } from './parse-registry-url.ts'
import { readTlsFiles, validateTlsFiles } from './read-tls-files.ts'
import type { RegistrySource } from './registry-config.ts'
import { resolveFormat } from './resolve-format.ts'

type Fields = Readonly<Record<string, unknown>>

const optionKeys: ReadonlySet<string> = new Set(registryOptionKeys)

/** Refuses unknown keys, and splits core's options from the backend's own configuration. */
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
    // a field set to undefined counts as left out
    if (value !== undefined) known[key] = value
  }
  resolveRegistryOptions(options)
  return { options, own }
}

/** A resolved source: enough to make one registry, or several with the same configuration. */
export interface ResolvedBackend {
  /** The name of a built-in backend; `undefined` for a custom driver. */
  readonly backend?: string
  /** Makes the driver, without I/O. `new Registry(driver, options)` makes the registry. */
  readonly driver: DriverFactory | RegistryDriver
  /** The options of core that the source sets. */
  readonly options: RegistryOptions
}

const resolveNamed = async (
  name: string,
  { format: given, ...config }: Fields,
  backend: Backend,
): Promise<ResolvedBackend> => {
  const { options, own } = splitFields(config, Object.keys(backend.keys))
  const files = validateTlsFiles(name, own)
  const { validate, create, formats } = await loadBackend(name, backend)
  const format = resolveFormat(name, formats, given)
  resolveRegistryOptions({ format }) // checks one that was given as an object
  const { tlsFiles: _, ...bare } = own
  validate(bare)
  // also where the backend reads them itself: a wrong file is an error of the configuration
  const complete = await readTlsFiles(name, bare, files)
  if (backend.readsTlsFiles) validate(complete)
  // `create` validates again, now with the contents of the files
  const configured = backend.readsTlsFiles ? own : complete
  return {
    backend: name,
    driver: create(configured as never),
    options: { ...options, ...(format ? { format } : {}) },
  }
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
  // an empty value is a deployment mistake, which a fallback would hide
  if (url === '') throw configError('SD_URL is empty; expected a registry URL, or no SD_URL at all')
  return url ?? 'sqlite:'
}

/** The fields of a configuration whose backend comes from `url` or the environment. */
const fieldsOfUrl = (config: Fields): Fields => {
  // an explicit `url: undefined` is a mistake, like an empty SD_URL
  const { url, ...beside } = 'url' in config ? config : { ...config, url: urlOfEnvironment() }
  if (typeof url !== 'string')
    throw configError(`url is ${show(url)}; expected a registry URL, or no url for that of SD_URL`)
  const given = Object.entries(beside).filter(([, value]) => value !== undefined)
  return { ...parseRegistryUrl(url), ...Object.fromEntries(given) }
}

const oldestNode = [22, 19] as const

/** Older ones lack `node:sqlite` and array and map methods, and fail with unrelated errors. */
const checkNode = (): void => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestNode
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor))
    throw configError(
      `this is Node ${process.versions.node}; expected ${oldestNode.join('.')} or later`,
    )
}

/**
 * What `createRegistry` does before it makes the registry, for code that wraps a driver or makes
 * several registries with one configuration. Takes and throws the same as `createRegistry`.
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
 * Creates a registry from one line of configuration:
 *
 * - an object with the name of a built-in `backend`, core's options and the backend's own;
 * - a URL, see `parseRegistryUrl`: `etcd://h1:2379,h2:2379/services?ttl=10s`, `memory:`;
 * - an object with that `url` and options that a URL cannot express: `{ url, logger }`;
 * - a custom driver, or a function that makes one: bare, or as `backend` of an object;
 * - nothing, or an object with neither `backend` nor `url`: the URL in the environment variable
 *   `SD_URL`, else `sqlite:`, the embedded default: one file that the user's processes on this
 *   machine share.
 *
 * Validates the configuration, imports the backend's package and reads the named PEM files. It
 * connects to no server and opens no other file. When `signal` aborts, it rejects with the reason.
 *
 * Without a `logger` the registry writes two lines to stderr, each at most once: when the backend cannot
 * be reached, and when an instance is registered with a loopback address on another machine's
 * registry. Any logger, or `logger: false`, replaces that.
 *
 * @throws RegistryError `invalid-config` with the field, the given value and the accepted values;
 * also for a backend whose package is not installed
 */
export const createRegistry = async (
  source?: RegistrySource,
  { signal }: WaitOptions = {},
): Promise<Registry> => {
  signal?.throwIfAborted()
  const resolved = resolveBackend(source)
  const { driver, options } = await (signal === undefined ? resolved : abortable(resolved, signal))
  const { logger = createDefaultNotices() } = options
  return new Registry(driver, { ...options, logger })
}
