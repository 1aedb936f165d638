import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const readme = new URL('../README.md', import.meta.url)
const compiler = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url))
const cache = fileURLToPath(new URL('../.cache/', import.meta.url))

test("the README's program runs to its end", { timeout: 30_000 }, async () => {
  const [, program = ''] = /```ts\n(.*?)```/s.exec(await readFile(readme, 'utf8')) ?? []
  await mkdir(cache, { recursive: true })
  // inside the package, where its imports resolve
  const folder = await mkdtemp(`${cache}readme-`)
  try {
    await writeFile(`${folder}/main.mts`, program)
    // Node strips types, but not decorators
    const flags = '--ignoreConfig --noResolve --noCheck --experimentalDecorators'
    const target = '--target es2024 --module nodenext main.mts'
    execFileSync(compiler, `${flags} ${target}`.split(' '), { cwd: folder })
    const node = [process.execPath, ['--conditions=@sd/source', `${folder}/main.mjs`]] as const
    expect(execFileSync(...node, { encoding: 'utf8' })).toContain('http://127.0.0.1:')
  } finally {
    await rm(folder, { recursive: true })
  }
})
