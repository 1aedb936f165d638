import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bash } from '../src/completion/bash.ts'
import { describeCommand, describeCommands } from '../src/completion/command-tree.ts'
import { fish } from '../src/completion/fish.ts'
import { zsh } from '../src/completion/zsh.ts'
import { createProgram } from '../src/program.ts'

const program = createProgram(async () => {})
const commands = describeCommands(program)
const scripts = { bash, zsh, fish }

describe.each(Object.entries(scripts))('the %s script', (shell, script) => {
  test('equals its reviewed snapshot', async () => {
    const text = script(commands, describeCommand(program))
    await expect(text).toMatchFileSnapshot(`completion/sd.${shell}`)
  })
})

// each case starts several shells, which take seconds on a busy machine
describe('in a real bash', { timeout: 30_000 }, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sd-completion-'))
    await writeFile(join(folder, 'sd.bash'), bash(commands, describeCommand(program)))
    // an sd with two services, one of which has a malicious name
    const names = ['orders', 'orders-admin', 'eu:web', `o$(touch ${folder}/evil)`]
    // it answers with the ids of a service, and with the URL it was given as one more
    const script = `#!/bin/sh
[ "$1" = complete ] || exit 1; shift
[ "$1" = --url ] && { echo "at-$2"; shift 2; }
[ "$1" ] && { echo "$1-1"; echo "$1-2"; exit; }
cat <<'END'\n${names.join('\n')}\nEND\n`
    await writeFile(join(folder, 'sd'), script)
    await chmod(join(folder, 'sd'), 0o755)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const complete = async (...words: readonly string[]): Promise<readonly string[]> => {
    const completing = `source sd.bash; COMP_LINE="$*"; COMP_POINT=\${#COMP_LINE}; _sd; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await promisify(execFile)('bash', ['-c', completing, 'bash', ...words], {
      cwd: folder,
      env: { PATH: `${folder}:${process.env['PATH']}` },
    })
    return stdout.split('\n').filter((line) => line !== '')
  }

  test('commands, options and choices', async () => {
    expect(await complete('sd', 're')).toEqual(['register', 'resolve'])
    expect(await complete('sd', 'resolve', '--sc')).toEqual(['--scheme'])
    expect(await complete('sd', '--url', 'etcd://h:2379/x', 'wat')).toEqual(['watch'])
    expect(await complete('sd', 'register', 'orders', '--endpoint', '')).toEqual([])
    expect(await complete('sd', 'completion', '')).toEqual(['bash', 'zsh', 'fish'])
  })

  test('the ids of a service, in the registry that the line names', async () => {
    expect(await complete('sd', 'set', 'orders', '')).toEqual(['orders-1', 'orders-2'])
    expect(await complete('sd', 'deregister', '--yes', 'orders', 'orders-2')).toEqual(['orders-2'])
    expect(await complete('sd', 'set', 'orders', 'orders-1', '')).toEqual([])
    expect(await complete('sd', '--url', 'memory:', 'list', 'at')).toEqual(['at-memory:'])
    expect(await complete('sd', 'set', 'orders', '--url', "'memory:'", 'at')).toEqual([
      'at-memory:',
    ])
  })

  test('the names of services, and never executes a name', async () => {
    expect(await complete('sd', 'watch', 'orders')).toEqual(['orders', 'orders-admin'])
    expect(await complete('sd', '--json', 'list', 'o')).toHaveLength(3)
    expect(await complete('sd', 'list', 'orders', '')).toEqual([])
    expect(await complete('sd', 'watch', '--json', '--url', 'etcd://h', 'orders-')).toEqual([
      'orders-admin',
    ])
    // the word that bash replaces begins after the colon
    expect(await complete('sd', 'list', 'eu:w')).toEqual(['web'])
    expect(await readdir(folder)).not.toContain('evil')
  })
})
