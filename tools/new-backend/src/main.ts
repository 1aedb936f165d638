import { fileURLToPath } from 'node:url'
import { createBackend } from './create-backend.ts'

const usage = `usage: npm run new-backend -- NAME

Creates packages/NAME, the skeleton of a backend: its package, the driver with every method left to
write, and its contract test on a real server, which runs and reports the methods not written yet.

NAME: lower-case letters, digits and dashes, beginning with a letter, like my-store.`

const root = fileURLToPath(new URL('../../../', import.meta.url))

const nextSteps = (name: string, leftToDo: readonly string[]): string =>
  [
    ...leftToDo,
    'npm install   (links the package, and locks it)',
    // empty: the run does not provide etcd, ZooKeeper and Consul
    `SD_TEST_BACKENDS= npx vitest run --project contract packages/${name}   (fails, and reports what to write)`,
    `packages/${name}/contract/${name}-server.ts   (how the real server is started)`,
    'docs/writing-a-backend.md   (how to write the driver, with a sample)',
  ]
    .map((step, index) => `  ${index + 1}. ${step}`)
    .join('\n')

const main = (args: readonly string[]): void => {
  if (args.includes('--help') || args.includes('-h')) return console.log(usage)
  const [name] = args
  if (name === undefined || args.length > 1) throw new Error(`expected one NAME\n\n${usage}`)
  const { files, leftToDo } = createBackend(root, name)
  console.log(
    `${files.map((file) => `  ${file}`).join('\n')}\n\nNext:\n${nextSteps(name, leftToDo)}`,
  )
}

try {
  main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
