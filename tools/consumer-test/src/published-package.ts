import { readdir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package as npm installed it. */
export interface PublishedPackage {
  readonly name: string
  readonly manifest: Manifest
  /** Contents by path within the package. */
  readonly files: ReadonlyMap<string, string>
}

/** Reads the package `name` as it is installed in `folder`. */
export const readPublishedPackage = async (
  folder: string,
  name: string,
): Promise<PublishedPackage> => {
  const root = join(folder, 'node_modules', name)
  const files = new Map<string, string>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) files.set(path.slice(root.length + 1), await readFile(path, 'utf8'))
  }
  const manifest = JSON.parse(files.get('package.json') ?? '{}') as Manifest
  return { name, manifest, files }
}

const withoutComments = (code: string): string => code.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** The packages that its code or its types import and its manifest does not list. */
export const undeclaredImports = ({
  name,
  manifest,
  files,
}: PublishedPackage): readonly string[] => {
  const declared = new Set([
    name,
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ])
  const found = new Set<string>()
  for (const [path, code] of files) {
    if (!/^dist\/.*(\.js|\.d\.ts)$/.test(path)) continue
    for (const [, specifier = ''] of withoutComments(code).matchAll(
      /(?:\bfrom|\bimport\(?)\s*['"]([@a-z][\w@:/.-]*)['"]/g,
    ))
      if (!isBuiltin(specifier) && !declared.has(packageOf(specifier))) found.add(specifier)
  }
  return [...found]
}

/**
 * Files missing from the package: exported files, commands, and sources that a source map names.
 */
export const missingFiles = ({ manifest, files }: PublishedPackage): readonly string[] => {
  const named = [...Object.values(manifest.exports), manifest.bin ?? {}].flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const paths = named.map((target) => target.replace(/^\.\//, ''))
  for (const [path, text] of files) {
    if (!path.endsWith('.map')) continue
    const { sources } = JSON.parse(text) as { readonly sources: readonly string[] }
    for (const source of sources) paths.push(join(path, '..', source))
  }
  return [...new Set(paths)].filter((path) => !files.has(path))
}

// features of Node 24 that the oldest supported Node lacks; the compiler cannot detect them, since
// it uses the types of Node 24
const tooNew =
  /^\s*(?:await )?using \w+ =|\b(?:Promise\.try|RegExp\.escape|Error\.isError|Math\.sumPrecise|Iterator\.concat|new (?:Async)?DisposableStack|Float16Array|fromBase64|toBase64|new URLPattern)\b/m

/** Files whose syntax or globals are newer than the oldest supported Node. */
export const tooNewFiles = ({ files }: PublishedPackage): readonly string[] =>
  [...files]
    .filter(([path, code]) => /^dist\/.*\.js$/.test(path) && tooNew.test(withoutComments(code)))
    .map(([path]) => path)
