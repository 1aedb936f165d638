import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cachedFolder } from './cached-folder.ts'
import { repositoryRoot } from './repository-root.ts'
import { runCommand } from './run-command.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** What {@link fetchDebianPackages} fetches, and where to. */
export interface FetchOptions {
  /** Its folder in the cache: `etcd`. */
  readonly name: string
  readonly suite: string
  readonly packages: readonly string[]
  readonly cache: string
}

/**
 * Resolves with a folder that holds the unpacked packages and their dependencies. Needs no root and
 * does not change the machine's apt: it only uses its mirror and its network settings. Packages are
 * fetched once and then kept; an interrupted fetch leaves nothing that looks complete.
 */
export async function fetchDebianPackages(options: FetchOptions): Promise<string> {
  const { name, suite, packages, cache } = options
  return cachedFolder(join(cache, `${name}-${suite}-${process.arch}`), async (work) => {
    for (const path of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', keyring])
      if (!existsSync(path)) throw new Error(`${path} is missing: this needs Debian`)
    const env = await configureApt(work, suite)
    const timeoutMs = 180_000
    await runCommand('apt-get', ['update', '--error-on=any'], { env, timeoutMs })
    const install = ['install', '--yes', '--download-only', '--no-install-recommends', ...packages]
    await runCommand('apt-get', install, { env, timeoutMs })
    const archives = join(work, 'cache', 'archives')
    const root = join(work, 'root')
    for (const file of await readdir(archives))
      if (file.endsWith('.deb')) await runCommand('dpkg-deb', ['-x', join(archives, file), root])
    return root
  })
}

/**
 * A separate apt configuration with its own sources, state and cache, so neither root nor any lock
 * is needed.
 */
async function configureApt(work: string, suite: string): Promise<NodeJS.ProcessEnv> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'parts'])
    await mkdir(join(work, folder), { recursive: true })
  const mirror = (
    await runCommand(join(repositoryRoot, 'tools/images/debian-mirror.sh'), [])
  ).trim()
  await writeFile(
    join(work, 'sources.list'),
    `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`,
  )
  await writeFile(join(work, 'status'), '')
  const settings = {
    'Dir::Etc::Parts': `${work}/parts`,
    'Dir::Etc::Main': '/dev/null',
    'Dir::Etc::SourceList': `${work}/sources.list`,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State': `${work}/state`,
    'Dir::State::status': `${work}/status`,
    'Dir::Cache': `${work}/cache`,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  }
  const own = Object.entries(settings).map(([name, value]) => `${name} "${value}";`)
  // Includes the machine's settings such as proxies, without its hooks, which act on the machine's
  // cache.
  const borrowed = (await runCommand('apt-config', ['dump']))
    .split('\n')
    .filter((line) => /^Acquire::(https?|ftp|Check-|AllowInsecure|AllowWeak)/.test(line))
  await writeFile(join(work, 'apt.conf'), [...borrowed, ...own, ''].join('\n'))
  return { ...process.env, APT_CONFIG: join(work, 'apt.conf'), LC_ALL: 'C' }
}
