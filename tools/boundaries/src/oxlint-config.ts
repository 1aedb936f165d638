import {
  type PackageBoundary,
  type PackageLayers,
  packageBoundaries,
} from './package-boundaries.ts'

type Rules = Readonly<Record<string, unknown>>
interface ImportPattern {
  readonly group?: readonly string[]
  readonly regex?: string
  readonly message: string
}
interface Override {
  readonly files: readonly string[]
  readonly rules: Rules
}

/** The configuration of oxlint, as far as it is used here. */
export interface OxlintConfig {
  readonly rules: Rules
  readonly overrides: readonly Override[]
  readonly [key: string]: unknown
}

const subpathSpecifiers = packageBoundaries.flatMap(({ name, subpaths = [] }) =>
  subpaths.map((subpath) => `${name}/${subpath}`),
)

/**
 * Rejects every specifier of this repository except `allowed`. oxlint's `regex` silently matches
 * nothing if it contains a lookahead, so this is a gitignore-like list: the last matching line
 * wins.
 */
const onlyOurs = (allowed: readonly string[], message: string): ImportPattern => {
  const isSubpath = (specifier: string): boolean => specifier.split('/').length > 2
  return {
    group: [
      '@sd/*',
      ...allowed.filter((specifier) => !isSubpath(specifier)).map((specifier) => `!${specifier}`),
      '@sd/*/**',
      ...allowed.filter(isSubpath).map((specifier) => `!${specifier}`),
    ],
    message,
  }
}

const everythingPublic: ImportPattern = {
  group: ['@sd/*/**', ...subpathSpecifiers.map((specifier) => `!${specifier}`)],
  message: 'Import a package by its public name or a subpath that it exports.',
}

/** Relative paths that leave the package, from any folder. */
const acrossPackages: ImportPattern = {
  regex: String.raw`^(?:\.\./)+(?:(?:packages|tools|examples)(?:/|$)|(?:${packageBoundaries
    .map(({ folder }) => folder.slice('packages/'.length))
    .join('|')})/(?:src|test|contract|dist)(?:/|$))`,
  message: 'Import another package by its public name, not by a path.',
}

const timerModules = ['timers', 'timers/promises', 'node:timers', 'node:timers/promises']
const eventModules = ['events', 'node:events']
const timerGlobals = ['setTimeout', 'setInterval', 'setImmediate']

const modulePaths = (names: readonly string[], message: string): readonly object[] =>
  names.map((name) => ({ name, message }))

const restrictedImports = (
  patterns: readonly ImportPattern[],
  paths: readonly object[] = [],
): Rules => ({
  'no-restricted-imports': [
    'error',
    { ...(paths.length > 0 ? { paths } : {}), patterns: [...patterns, acrossPackages] },
  ],
})

const restrictedTime = (message: string): Rules => ({
  'no-restricted-globals': ['error', ...timerGlobals.map((name) => ({ name, message }))],
  'no-restricted-properties': [
    'error',
    { object: 'AbortSignal', property: 'timeout', message },
    { object: 'Date', property: 'now', message },
    { object: 'performance', property: 'now', message },
    ...timerGlobals.map((property) => ({ object: 'globalThis', property, message })),
  ],
})

const arrow = ({ name, mayImport }: PackageBoundary): ImportPattern => {
  if (mayImport === 'everything') return everythingPublic
  const allowed = mayImport.length === 0 ? 'no other @sd package' : `only ${mayImport.join(', ')}`
  return onlyOurs(mayImport, `${name} may import ${allowed} (tools/boundaries).`)
}

const timeRules: Readonly<
  Record<NonNullable<PackageBoundary['timeFrom']>, { message: string; events: boolean }>
> = {
  'driver context': {
    message: 'A backend takes time from DriverContext.clock, so that faults can be simulated.',
    events: true,
  },
  'injected clock': {
    message: 'Core takes time from the injected Clock, so that faults can be simulated.',
    events: false,
  },
}

/** The supported nesting depths of a folder of a layer. */
const depths = [1, 2, 3]

/**
 * For each folder of a layer, at each depth, the pattern that rejects imports from higher and
 * sibling folders.
 */
const layerPatterns = ({
  folders,
  base,
}: PackageLayers): readonly { readonly files: string; readonly pattern: ImportPattern }[] =>
  folders.flatMap((layer, index) =>
    layer.flatMap((folder) => {
      const below = folders.slice(0, index).flat()
      const refused = folders.flat().filter((name) => name !== folder && !below.includes(name))
      const allowed = [...base, ...below.map((name) => `${name}/`)].join(', ')
      return depths.map((depth) => {
        const up = '../'.repeat(depth)
        return {
          files: `${folder}/${'*/'.repeat(depth - 1)}*.ts`,
          pattern: {
            group: [
              `${up}*.ts`,
              ...base.map((file) => `!${up}${file}`),
              ...refused.map((name) => `${up}${name}/**`),
            ],
            message: `${folder}/ may import only what is below it: ${allowed} (tools/boundaries).`,
          },
        }
      })
    }),
  )

// an override replaces the options of a rule instead of extending them: each list here is complete
const packageOverrides = (boundary: PackageBoundary): readonly Override[] => {
  const { folder, layers } = boundary
  const paths = boundary.timeFrom === undefined ? [] : timePaths(boundary.timeFrom)
  return [
    packageOverride(boundary),
    ...(layers === undefined ? [] : layerPatterns(layers)).map(({ files, pattern }) => ({
      files: [`${folder}/src/${files}`],
      rules: restrictedImports([arrow(boundary), pattern], paths),
    })),
  ]
}

const timePaths = (timeFrom: NonNullable<PackageBoundary['timeFrom']>): readonly object[] => {
  const { message, events } = timeRules[timeFrom]
  return [
    ...modulePaths(timerModules, message),
    ...(events
      ? modulePaths(eventModules, 'A backend yields observations; it needs no event emitter.')
      : []),
  ]
}

const packageOverride = (boundary: PackageBoundary): Override => {
  const files = [`${boundary.folder}/src/**`]
  if (boundary.timeFrom === undefined) return { files, rules: restrictedImports([arrow(boundary)]) }
  const { message } = timeRules[boundary.timeFrom]
  const paths = timePaths(boundary.timeFrom)
  return {
    files,
    rules: { ...restrictedImports([arrow(boundary)], paths), ...restrictedTime(message) },
  }
}

/** The complete configuration of oxlint: the base rules, and one override for each row of the table. */
export const oxlintConfig: OxlintConfig = {
  plugins: ['typescript', 'import', 'unicorn', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'off' },
  options: {
    typeAware: true,
    typeCheck: false,
    denyWarnings: true,
    reportUnusedDisableDirectives: 'error',
  },
  env: { node: true, es2024: true },
  ignorePatterns: ['**/dist/**'],
  rules: {
    // the default ignores a cycle that contains a type-only import
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    // a polyfill is imported for its side effects
    'import/no-unassigned-import': ['error', { allow: ['reflect-metadata'] }],
    // the rule is meant for windows: worker threads have no origin
    'unicorn/require-post-message-target-origin': 'off',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*'] }],
    // Vitest's `expect` accepts a message
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
    // the rule forbids all manual narrowing, which decoders, brands and `signal.reason` need
    'typescript/no-unsafe-type-assertion': 'off',
    // the compiler checks that a switch is exhaustive; this rule does not
    'typescript/consistent-return': 'off',
    // the rule would remove a copy that a loop needs because it changes what it iterates over
    'unicorn/no-useless-spread': 'off',
    // a function is defined near its use, whatever it captures
    'unicorn/consistent-function-scoping': 'off',
    ...restrictedImports([everythingPublic]),
  },
  overrides: [
    {
      // tools that load these files require a default export
      files: ['**/*.config.ts', '**/*-reporter.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
    ...packageBoundaries.flatMap(packageOverrides),
    {
      // a library that declares tests: its cases are in functions and depend on capabilities
      files: ['packages/contract-tests/src/**'],
      rules: Object.fromEntries(
        [
          'expect-expect',
          'no-conditional-tests',
          'no-disabled-tests',
          'no-standalone-expect',
          'valid-title',
        ].map((rule) => [`vitest/${rule}`, 'off']),
      ),
    },
    {
      // the only place where core uses the system clock
      files: ['packages/core/src/runtime/clock.ts'],
      rules: { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' },
    },
  ],
}
