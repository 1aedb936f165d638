import { lilconfig } from 'lilconfig'
import { suggestion } from '@sd/core/driver'
import { CommandError, UsageError } from './exit-code.ts'

/** The registry to use, and the source of that setting. */
export interface RegistryLocation {
  /** Default: the registry of `createRegistry()` without arguments. */
  readonly url?: string
  /** The source, for messages: `--url`, `SD_URL`, a file, `the embedded default`. */
  readonly from: string
}

const known = ['url']

const readFile = (config: unknown, path: string): RegistryLocation => {
  const fail = (problem: string): never => {
    throw new UsageError(`${path}: ${problem}; expected { "url": "etcd://host:2379" }`)
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    return fail('its settings are not an object')
  for (const key of Object.keys(config))
    if (!known.includes(key)) fail(`unknown key "${key}"${suggestion(key, known)}`)
  const { url } = config as { readonly url?: unknown }
  return typeof url === 'string' && url !== '' ? { url, from: path } : fail('it has no "url"')
}

const readJson = (path: string, text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`)
  }
}

/**
 * Finds the registry: `--url`; the environment's `SD_URL`; the nearest `.sdrc.json`, or `sd` in
 * a `package.json`, from `folder` upwards to the home folder; else the embedded default.
 * @throws UsageError for a file that cannot be read
 */
export const findRegistry = async (
  flag: string | undefined,
  environment: NodeJS.ProcessEnv,
  folder: string,
): Promise<RegistryLocation> => {
  if (flag !== undefined) return { url: flag, from: '--url' }
  const variable = environment['SD_URL']
  if (variable !== undefined) return { url: variable, from: 'SD_URL' }
  const files = lilconfig('sd', {
    searchPlaces: ['.sdrc.json', 'package.json'],
    loaders: { '.json': readJson },
  })
  const found = await files.search(folder).catch((error: Error) => {
    if (error instanceof CommandError) throw error
    // no permission, or a folder with that name
    throw new UsageError(`the settings above ${folder} cannot be read: ${error.message}`)
  })
  return found === null ? { from: 'the embedded default' } : readFile(found.config, found.filepath)
}

/** Formats a location for messages, without user and password. Expects a valid URL. */
export const describeLocation = ({ url, from }: RegistryLocation): string =>
  url === undefined ? from : `${url.replace(/^([^:]*:\/\/)[^/?]*@/, '$1…@')} (${from})`
