/**
 * The folders of a package's `src`, in layers: an import points to a lower layer or stays in its
 * folder.
 */
export interface PackageLayers {
  /** From lowest to highest; the folders of one layer do not import each other. */
  readonly folders: readonly (readonly string[])[]
  /**
   * Files in `src` itself that every folder may import. The other files there are above all
   * folders.
   */
  readonly base: readonly string[]
}

/** The packages of this repository that one package may import, from its `src` folder. */
export interface PackageBoundary {
  /** Its public name. */
  readonly name: string
  /** Its path from the root of the repository. It need not exist yet. */
  readonly folder: string
  /** The allowed packages of this repository: exact specifiers, or everything public. */
  readonly mayImport: readonly string[] | 'everything'
  /** Public subpaths besides the root, e.g. `driver` for `@sd/core/driver`. */
  readonly subpaths?: readonly string[]
  /** The source of time: backends and core run on a simulated clock. */
  readonly timeFrom?: 'driver context' | 'injected clock'
  readonly layers?: PackageLayers
}

const core = '@sd/core'
const driver = '@sd/core/driver'
const backendNames = ['memory', 'sqlite', 'etcd', 'zookeeper', 'consul'] as const

const usualFolders: PackageLayers['folders'] = [['client'], ['session']]

/** Backends with other folders. `worker` is the thread that SQLite's client uses. */
const backendFolders: Readonly<Partial<Record<string, PackageLayers['folders']>>> = {
  memory: [],
  sqlite: [['worker'], ['client'], ['session']],
  etcd: [['client', 'formats'], ['session']],
  zookeeper: [['client', 'formats'], ['reader'], ['observe', 'session']],
  consul: [['client', 'formats'], ['catalog'], ['session']],
}

const backends = backendNames.map((backend): PackageBoundary => ({
  name: `@sd/${backend}`,
  folder: `packages/${backend}`,
  mayImport: [core, driver],
  timeFrom: 'driver context',
  layers: {
    folders: backendFolders[backend] ?? usualFolders,
    base: ['config.ts', 'errors.ts', 'keys.ts'],
  },
  ...(backend === 'memory' ? { subpaths: ['faults'] } : {}),
}))

/**
 * The dependencies between the packages of this repository. `oxlint.config.ts` makes the lint
 * rules from this table. A package's tests, tools and examples may import everything public.
 */
export const packageBoundaries: readonly PackageBoundary[] = [
  {
    name: core,
    folder: 'packages/core',
    mayImport: [],
    subpaths: ['driver'],
    timeFrom: 'injected clock',
    layers: {
      folders: [
        ['runtime'],
        ['model'],
        ['check', 'driver'],
        ['session'],
        ['watch', 'registration'],
      ],
      base: ['registry-error.ts'],
    },
  },
  ...backends,
  {
    name: '@sd/contract-tests',
    folder: 'packages/contract-tests',
    mayImport: [core, driver],
    subpaths: ['servers', 'world'],
  },
  {
    name: '@sd/registry',
    folder: 'packages/registry',
    mayImport: [core, driver, ...backends.map(({ name }) => name)],
  },
  { name: '@sd/balancer', folder: 'packages/balancer', mayImport: [core] },
  {
    name: '@sd/grpc',
    folder: 'packages/grpc',
    mayImport: [core, '@sd/balancer'],
    subpaths: ['connect'],
  },
  { name: '@sd/undici', folder: 'packages/undici', mayImport: [core, '@sd/balancer'] },
  { name: '@sd/lifecycle', folder: 'packages/lifecycle', mayImport: [core] },
  { name: '@sd/opentelemetry', folder: 'packages/opentelemetry', mayImport: [core] },
  { name: '@sd/fastify', folder: 'packages/fastify', mayImport: [core, '@sd/lifecycle'] },
  { name: '@sd/nestjs', folder: 'packages/nestjs', mayImport: [core, '@sd/lifecycle'] },
  {
    name: '@sd/gateway',
    folder: 'packages/gateway',
    mayImport: [core, driver, '@sd/balancer', '@sd/undici', '@sd/lifecycle', '@sd/opentelemetry'],
  },
  { name: '@sd/cli', folder: 'packages/cli', mayImport: 'everything' },
]
