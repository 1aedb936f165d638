import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import type { Release } from './release.ts'

/** What {@link goRelease} builds. */
export interface GoRelease {
  readonly binary: string
  readonly version: string
  readonly onRequest?: boolean
  /** The module that contains the server, and its version there: `v3.7.3`. */
  readonly module: string
  /** The oldest Go that builds it: `1.26`. */
  readonly go: string
  /** The program, which calls the server's own entry point. */
  readonly main: string
  readonly timeoutMs: number
}

/** Whether the output of `go version` names a Go that is not older than `wanted`. */
export function isAtLeastGo(told: string, wanted: string): boolean {
  const [, major = 0, minor = 0] = (/\bgo(\d+)\.(\d+)/.exec(told) ?? []).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/** A server written in Go, built with this machine's Go as the only dependency of a module. */
export const goRelease = (release: GoRelease): Release => ({
  version: release.version,
  onRequest: release.onRequest ?? false,
  make: async (work) => {
    const { binary, module, version, go, main, timeoutMs } = release
    // Modules are read-only, and stay in the user's caches: this folder has only the sources and
    // the binary.
    const [sources, kept] = [join(work, 'sources'), join(work, 'kept')]
    await mkdir(sources)
    await mkdir(kept)
    await writeFile(join(sources, 'go.mod'), `module sd-test/${binary}\n\ngo ${go}\n`)
    await writeFile(join(sources, 'main.go'), main)
    const run = (...args: readonly string[]): Promise<string> =>
      runCommand('go', args, { cwd: sources, timeoutMs, env: { ...process.env, GOFLAGS: '' } })
    const found = await run('version').catch(String)
    if (!isAtLeastGo(found, go))
      throw new Error(
        `building ${binary} ${version} needs Go ${go} or later on PATH (https://go.dev/dl); found: ${found.trim()}`,
      )
    await run('get', `${module}@v${version}`)
    await run('mod', 'tidy')
    await run('build', '-trimpath', '-o', join(kept, binary), '.')
    return kept
  },
  command: async (folder) => ({
    command: [join(folder, release.binary)],
    version: release.version,
  }),
})
