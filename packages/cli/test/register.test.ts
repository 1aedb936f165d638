import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../src/command-context.ts'
import { Interruption } from '../src/interruption.ts'
import { createProgram } from '../src/program.ts'

test('sd register that is interrupted before it starts its command does not start it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sd-register-'))
  try {
    const started = join(folder, 'started')
    using interruption = new Interruption()
    interruption.readerLeft()
    const program = createProgram(async (options, work) => {
      expect(await runCommand(options, interruption, work)).toBe(0)
    })
    const args = ['register', 'orders', '--url', 'memory:', '--endpoint', 'grpc://h']
    await program.parseAsync([...args, '--', 'touch', started], { from: 'user' })
    await expect(access(started)).rejects.toThrow('ENOENT')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
