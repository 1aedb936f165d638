import { describeProvision, type Provision, type Provisions } from './provision.ts'
import { wantedRelease } from './releases/wanted-release.ts'
import type { TestServer } from './test-server.ts'
import { wantedServers } from './test-servers.ts'
import {
  containerSource,
  fetchedSource,
  machineSource,
  releaseSource,
  type ServerSource,
} from './server-sources.ts'

/** Where {@link findServers} looks and how it reports. */
export interface FindOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly sources?: {
    container: ServerSource
    machine: ServerSource
    fetched: ServerSource
    release: ServerSource
  }
  readonly say?: (line: string) => void
}

/**
 * Chooses the source of each kind of server: an endpoint named in the environment, else the release
 * that the environment asks for, else containers, else binaries of the machine, else fetched Debian
 * packages. Reports an unavailable source in one line. Rejects with one error that lists everything
 * that was tried; it never omits a kind.
 */
export async function findServers(
  wanted: readonly TestServer[] = wantedServers(),
  options: FindOptions = {},
): Promise<Provisions> {
  const { env = process.env, say = (line) => process.stderr.write(`${line}\n`) } = options
  const known = options.sources ?? {
    container: containerSource(env),
    machine: machineSource(env),
    fetched: fetchedSource(env),
    release: releaseSource(env),
  }
  const sources = chooseSources(env, known)
  const found: Record<string, Provision> = {}
  for (const server of wanted) {
    const endpoint = env[`SD_TEST_${server.name.toUpperCase()}_ENDPOINT`]
    const provision: Provision = endpoint
      ? { how: 'endpoint', endpoint }
      : await firstOf(
          isReleaseWanted(server, env) ? [known.release, ...sources] : sources,
          server,
          say,
        )
    found[server.name] = provision
    say(`test servers: ${describeProvision(server.name, provision)}`)
  }
  return found
}

function isReleaseWanted(server: TestServer, env: NodeJS.ProcessEnv): boolean {
  const release = wantedRelease(server, env)
  if (release && env['SD_TEST_DRIVER'] === 'docker')
    throw new Error(
      `${server.name} ${release.version} runs as a process, and SD_TEST_DRIVER=docker asks for containers; unset one of them`,
    )
  return release !== undefined
}

function chooseSources(
  env: NodeJS.ProcessEnv,
  {
    container,
    machine,
    fetched,
  }: { container: ServerSource; machine: ServerSource; fetched: ServerSource },
): ServerSource[] {
  const processes = env['SD_TEST_SERVERS'] === 'fetched' ? [fetched] : [machine, fetched]
  switch (env['SD_TEST_DRIVER']) {
    case 'docker':
      return [container]
    case 'process':
      return processes
    case undefined:
    case '':
      return [container, ...processes]
    default:
      throw new Error(`SD_TEST_DRIVER=${env['SD_TEST_DRIVER']}: expected 'docker' or 'process'`)
  }
}

async function firstOf(
  sources: readonly ServerSource[],
  server: TestServer,
  say: (line: string) => void,
): Promise<Provision> {
  const tried: string[] = []
  for (const source of sources) {
    try {
      return await source.find(server)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      tried.push(`  - ${source.name}: ${reason}`)
      say(`test servers: no ${server.name} from ${source.name}: ${reason}`)
    }
  }
  const variable = `SD_TEST_${server.name.toUpperCase()}_ENDPOINT`
  throw new Error(
    `No ${server.name} server for the tests. Tried:\n${tried.join('\n')}\n` +
      `Do any one of these: start a Docker engine (on Debian, as root: apt-get install docker.io ` +
      `mmdebstrap); install ${server.install}; or point ${variable} at a server (host:port).`,
  )
}
