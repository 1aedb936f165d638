import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { addToBoundaries } from './add-to-boundaries.ts'
import { parseBackendName } from './backend-name.ts'
import { type CoreFacts, renderTemplates } from './render-templates.ts'

/** The created files, and what is left to do. */
export interface CreatedBackend {
  /** Paths from the root of the repository. */
  readonly files: readonly string[]
  /** Remaining manual steps, as text. */
  readonly leftToDo: readonly string[]
}

const boundaryTable = 'tools/boundaries/src/package-boundaries.ts'

const runNode = (root: string, args: readonly string[]): void => {
  const { status, stderr, error } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed: ${stderr}`, { cause: error })
}

/** Formats the files, as line breaks depend on the length of the name. */
const format = (root: string, paths: readonly string[]): void => {
  const manifest = createRequire(join(root, 'package.json')).resolve('oxfmt/package.json')
  runNode(root, [join(dirname(manifest), 'bin/oxfmt'), ...paths])
}

const coreFacts = (root: string): CoreFacts => {
  const manifest = readFileSync(join(root, 'packages/core/package.json'), 'utf8')
  const { version, engines } = JSON.parse(manifest) as {
    readonly version: string
    readonly engines: { readonly node: string }
  }
  const license = readFileSync(join(root, 'packages/core/LICENSE'), 'utf8')
  return { version, engine: engines.node, license }
}

/**
 * Creates `packages/<text>` in the repository at `root` and adds it to the backends. Validates
 * everything first: an `Error` about the name leaves no files behind.
 */
export const createBackend = (root: string, text: string): CreatedBackend => {
  const name = parseBackendName(text)
  const folder = `packages/${name.name}`
  if (existsSync(join(root, folder))) throw new Error(`${folder} exists; choose another name`)
  const boundaries = addToBoundaries(readFileSync(join(root, boundaryTable), 'utf8'), name.name)
  const rendered = renderTemplates(name, coreFacts(root))
  for (const [path, content] of rendered) {
    const file = join(root, folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  format(root, [folder])
  if (boundaries.result === 'added') {
    writeFileSync(join(root, boundaryTable), boundaries.table)
    format(root, [boundaryTable])
  }
  return {
    files: [...rendered.keys()].map((path) => `${folder}/${path}`),
    leftToDo:
      boundaries.result === 'unknown-shape' ? [`add to ${boundaryTable}: ${boundaries.line}`] : [],
  }
}
