import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { installNode, nodePackage } from './installed-node.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('./on-node.ts', import.meta.url))

describe('the built-in fetch and WebSocket of', () => {
  test.skipIf(nodePackage === undefined).each(['22.23.3', '24.21.0', '26.10.0'])(
    'Node %s work with the dispatcher (npm has that Node for Linux on x64 and arm64)',
    { timeout: 300_000 },
    async (version) => {
      const node = await installNode(version)
      const options = ['--conditions=@sd/source', '--no-warnings', program]
      const { stdout } = await run(node, options, { timeout: 60_000 })
      expect(JSON.parse(stdout)).toHaveLength(14)
      const { stdout: said } = await run(node, ['--version'])
      expect(said.trim()).toBe(`v${version}`)
    },
  )
})
