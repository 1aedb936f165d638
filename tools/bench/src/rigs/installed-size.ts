import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Manifest {
  readonly files?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
}

const here = dirname(fileURLToPath(import.meta.url))

/** The folder of a package, as Node.js finds it from a file in `from`. */
const folderOf = (name: string, from: string): string => {
  const folder = join(from, 'node_modules', name)
  if (existsSync(folder)) return realpathSync(folder)
  if (dirname(from) === from) throw new Error(`${name} is not installed`)
  return folderOf(name, dirname(from))
}

const sizeBelow = (path: string): number => {
  const found = statSync(path)
  if (!found.isDirectory()) return found.size
  return readdirSync(path)
    .filter((name) => name !== 'node_modules' && !name.endsWith('.tsbuildinfo'))
    .reduce((sum, name) => sum + sizeBelow(join(path, name)), 0)
}

/** The bytes of the files of a package and, once each, of all packages that it depends on. */
export const installedBytes = (
  name: string,
  from: string = here,
  seen = new Set<string>(),
): number => {
  const folder = folderOf(name, from)
  if (seen.has(folder)) return 0
  seen.add(folder)
  const { files, dependencies = {} } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Manifest
  // of a package of this workspace only what is published
  const published = folder.includes('node_modules') ? undefined : files
  const own =
    published === undefined
      ? sizeBelow(folder)
      : published
          .filter((path) => !path.startsWith('!') && existsSync(join(folder, path)))
          .reduce((sum, path) => sum + sizeBelow(join(folder, path)), 0)
  return Object.keys(dependencies).reduce(
    (sum, dependency) => sum + installedBytes(dependency, folder, seen),
    own,
  )
}
