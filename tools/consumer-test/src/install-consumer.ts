import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from './run-program.ts'

/** The root of this repository. */
export const repositoryRoot: string = fileURLToPath(new URL('../../../', import.meta.url))

/** The packages that a third party would install, by folder under `packages/`. */
export const packedPackages: readonly string[] = [
  'core',
  'memory',
  'sqlite',
  'etcd',
  'zookeeper',
  'consul',
  'registry',
  'balancer',
  'grpc',
  'lifecycle',
  'opentelemetry',
  'fastify',
  'nestjs',
  'undici',
  'gateway',
  'cli',
  'contract-tests',
]

/** Tools of the consumer, in the versions of this repository's lockfile. */
const tools = ['vitest', 'typescript', '@types/node']

/** Optional peer dependencies of subpaths, which npm does not install by itself. */
const optionalPeers = ['@bufbuild/protobuf', '@connectrpc/connect', '@connectrpc/connect-node']

/** The oldest Node in the `engines` of the packages, if npm has its binary. */
const oldestNode = async (): Promise<string | undefined> => {
  const manifest = await readFile(join(repositoryRoot, 'packages/core/package.json'), 'utf8')
  const { engines } = JSON.parse(manifest) as { readonly engines: { readonly node: string } }
  const version = /^>=(\d+\.\d+)$/.exec(engines.node)?.[1]
  if (version === undefined) throw new Error(`engines.node is ${engines.node}; expected >=N.N`)
  const onLinux = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
  return onLinux ? `node-linux-${process.arch}@${version}.0` : undefined
}

/** A folder outside the workspace where the packed packages are installed. */
export interface Consumer extends AsyncDisposable {
  readonly folder: string
  /** The oldest supported Node, or the present one if npm has no binary of that. */
  readonly node: string
}

const succeed = async (
  folder: string,
  command: readonly [string, ...string[]],
  timeoutMs: number,
): Promise<void> => {
  const { exitCode, output } = await runProgram(folder, command, timeoutMs)
  if (exitCode !== 0) throw new Error(`${command.join(' ')} failed in ${folder}:\n${output}`)
}

const lockedTools = async (): Promise<readonly string[]> => {
  const lockfile = JSON.parse(
    await readFile(join(repositoryRoot, 'package-lock.json'), 'utf8'),
  ) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>
  }
  return [...tools, ...optionalPeers].map(
    (name) => `${name}@${lockfile.packages[`node_modules/${name}`]?.version}`,
  )
}

/**
 * Builds, packs and installs the packages as npm would publish them, beside the sources in
 * `consumer/`. Runs the cached build every time; otherwise old output would be tested.
 */
export const installConsumer = async (): Promise<Consumer> => {
  const root = await mkdtemp(join(tmpdir(), 'sd-consumer-'))
  const dispose = (): Promise<void> => rm(root, { recursive: true, force: true })
  try {
    const [tarballs, folder] = [join(root, 'tarballs'), join(root, 'consumer')]
    await mkdir(tarballs)
    await cp(new URL('./consumer/', import.meta.url), folder, { recursive: true })
    const names = packedPackages.map((name) => `@sd/${name}`).join(',')
    const nx = join(repositoryRoot, 'node_modules/nx/dist/bin/nx.js')
    await succeed(
      repositoryRoot,
      [process.execPath, nx, 'run-many', '-t', 'build', '-p', names],
      180_000,
    )
    const workspaces = packedPackages.flatMap((name) => ['-w', `packages/${name}`])
    await succeed(
      repositoryRoot,
      ['npm', 'pack', '--silent', '--pack-destination', tarballs, ...workspaces],
      60_000,
    )
    const files = (await readdir(tarballs)).map((file) => join(tarballs, file))
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
    const oldest = await oldestNode()
    const wanted = [...files, ...(await lockedTools()), ...(oldest ? [oldest] : [])]
    await succeed(folder, ['npm', 'install', ...quiet, ...wanted], 180_000)
    const node = oldest
      ? join(folder, 'node_modules', oldest.slice(0, oldest.lastIndexOf('@')), 'bin/node')
      : process.execPath
    return { folder, node, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** The packages that `@sd/registry` works without. */
export const optionalBackends = ['etcd', 'zookeeper', 'consul'] as const

/** Runs `work` with only those optional backends installed that `installed` lists. */
export const withBackends = async <T>(
  consumer: Consumer,
  installed: readonly string[],
  work: () => Promise<T>,
): Promise<T> => {
  const folder = join(consumer.folder, 'node_modules/@sd')
  const hidden = optionalBackends.filter((name) => !installed.includes(name))
  for (const name of hidden) await rename(join(folder, name), join(folder, `.${name}`))
  try {
    return await work()
  } finally {
    for (const name of hidden) await rename(join(folder, `.${name}`), join(folder, name))
  }
}
