import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BackendName } from './backend-name.ts'

/** Values for the templates, taken from `packages/core`. */
export interface CoreFacts {
  readonly version: string
  /** The supported Node versions, as in `engines`. */
  readonly engine: string
  /** The text of the licence. */
  readonly license: string
}

const templates = fileURLToPath(new URL('../templates/', import.meta.url))
const suffix = '.template'

/** The files of a new backend, by path within its package. */
export const renderTemplates = (
  name: BackendName,
  core: CoreFacts,
): ReadonlyMap<string, string> => {
  const values: Readonly<Record<string, string>> = { ...name, ...core }
  const fill = (text: string): string =>
    text.replaceAll(/__([a-z]+)__/g, (placeholder, key: string) => {
      const value = values[key]
      if (value === undefined)
        throw new Error(`a template contains the unknown placeholder ${placeholder}`)
      return value
    })
  const files = new Map<string, string>()
  for (const file of readdirSync(templates, { recursive: true, encoding: 'utf8' }).toSorted())
    if (file.endsWith(suffix))
      files.set(
        fill(file.slice(0, -suffix.length)),
        fill(readFileSync(join(templates, file), 'utf8')),
      )
  return files
}
