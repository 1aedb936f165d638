import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { startSweeper } from '@sd/contract-tests/servers'
import { type BackendName, openBackend } from './backends/open-backend.ts'
import { measureBackend } from './measured/measure-backend.ts'
import { type MeasuredRow, writeMeasuredRow } from './measured/measured-section.ts'
import { ArgumentError, readMeasuredBackend } from './read-arguments.ts'

const help = `Usage: npm run bounds -- --backend etcd|zookeeper|consul|sqlite

Measures on a real server how long it takes until a watcher sees that an owner was killed, until it sees
a change, until 1,000 instances are registered, and until they are back after the server lost its data.
Writes the row of that backend into docs/guarantees.md, and prints it. Takes about half a minute; the
server is found or provided as for the tests (CONTRIBUTING.md).`

const page = new URL('../../../docs/guarantees.md', import.meta.url)

const measure = async (backend: BackendName): Promise<MeasuredRow> => {
  const load = loadavg()[0] ?? 0
  await using opened = await openBackend(backend, 1)
  return {
    backend,
    description: opened.description,
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    cores: availableParallelism(),
    load,
    ...(await measureBackend(opened)),
  }
}

const main = async (): Promise<number> => {
  const backend = readMeasuredBackend(process.argv.slice(2))
  if (backend === 'help') {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const sweep = startSweeper()
  try {
    const row = await measure(backend)
    await writeFile(page, writeMeasuredRow(await readFile(page, 'utf8'), row))
    process.stdout.write(`${JSON.stringify(row)}\n`)
    return 0
  } finally {
    await sweep()
  }
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof ArgumentError)) throw error
  process.stderr.write(`${error.message}\n\n${help}\n`)
  return 2
})
