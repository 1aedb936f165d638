import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url))

const parts = [
  '.gitignore',
  '.oxfmtrc.json',
  'knip.json',
  'oxlint.config.ts',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'vitest.config.ts',
  'packages/contract-tests',
  'packages/core',
  'tools/boundaries',
  'tools/closing-line-reporter.ts',
  'tools/suites-first-sequencer.ts',
  'tools/new-backend',
]

/** A folder with the structure of this repository and the files that a new backend affects. */
export interface TemporaryWorkspace extends Disposable {
  readonly root: string
}

/** Copies the packages of this repository, and links the other installed ones. */
export const createTemporaryWorkspace = (): TemporaryWorkspace => {
  const root = mkdtempSync(join(tmpdir(), 'sd-new-backend-'))
  for (const part of parts)
    cpSync(join(repositoryRoot, part), join(root, part), {
      recursive: true,
      // the only tests here are those of the templates
      filter: (source) =>
        source.includes('/templates/') ||
        !['dist', 'node_modules', 'test'].includes(basename(source)),
    })
  // the contract project provides servers before it starts, and a skeleton needs none
  mkdirSync(join(root, 'tools/test-servers/src'), { recursive: true })
  writeFileSync(
    join(root, 'tools/test-servers/src/global-setup.ts'),
    'export const setup = (): void => {}\n',
  )
  const installed = join(repositoryRoot, 'node_modules')
  mkdirSync(join(root, 'node_modules/@sd'), { recursive: true })
  for (const name of readdirSync(installed))
    // programs in `.bin` are found by their names; `.vite` and the like are caches
    if (name !== '@sd' && !name.startsWith('.'))
      symlinkSync(join(installed, name), join(root, 'node_modules', name))
  for (const name of ['core', 'contract-tests'])
    symlinkSync(join(root, 'packages', name), join(root, 'node_modules/@sd', name))
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) }
}
