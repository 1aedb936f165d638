import { execFile } from 'node:child_process'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../../.cache/nodes/', import.meta.url))

/** The npm package that holds Node's binary for this machine; `undefined` where npm has none. */
export const nodePackage: string | undefined =
  process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
    ? `node-linux-${process.arch}`
    : undefined

/** The path of Node in that version: of npm's package, which is kept under `.cache/`. */
export const installNode = async (version: string): Promise<string> => {
  if (nodePackage === undefined) throw new Error(`npm has no Node for ${process.platform}`)
  const folder = join(cache, `${nodePackage}@${version}`)
  const node = join(folder, 'node_modules', nodePackage, 'bin/node')
  try {
    await access(node)
    return node
  } catch {
    // not installed yet
  }
  // into another folder first: an interrupted installation leaves nothing that looks complete
  const fresh = `${folder}.${process.pid}`
  await mkdir(fresh, { recursive: true })
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save', '--prefer-offline']
  await run('npm', ['install', ...quiet, '--prefix', fresh, `${nodePackage}@${version}`], {
    cwd: fresh,
    timeout: 240_000,
  })
  await rm(folder, { recursive: true, force: true })
  await rename(fresh, folder)
  return node
}
