import { join } from 'node:path'
import { isAtLeastGo, runCommand } from '@sd/test-servers'
import { type PeerProgram, peerProgram } from './peer-program.ts'

/** The Go that go.mod names. */
const oldestGo = '1.26'

let built: Promise<PeerProgram> | undefined

/** The program of `tools/peers/go`, built once for each run. */
export const goPeers = (): Promise<PeerProgram> =>
  (built ??= peerProgram({
    language: 'Go',
    sources: 'tools/peers/go',
    missing: async () => {
      const found = await runCommand('go', ['version'], {
        env: { ...process.env, GOTOOLCHAIN: 'local' },
      }).catch(() => 'none')
      return isAtLeastGo(found, oldestGo)
        ? undefined
        : `install Go ${oldestGo} or later (https://go.dev/dl); found: ${found.trim()}`
    },
    build: async (sources, to) => {
      const args = ['-n', '10', 'go', 'build', '-trimpath', '-o', join(to, 'peers'), '.']
      // fails rather than changes go.mod and go.sum, which pin every module
      const env = { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false' }
      await runCommand('nice', args, { cwd: sources, timeoutMs: 600_000, env })
    },
    command: (folder) => [join(folder, 'peers')],
  }))
