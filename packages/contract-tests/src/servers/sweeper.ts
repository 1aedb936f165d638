// Started by startSweeper(); argv: the run's id. Standard input ends with the run.
import { text } from 'node:stream/consumers'
import { removeLeftovers } from './remove-leftovers.ts'

process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

const run = process.argv[2]
if (!run) throw new Error('usage: sweeper.ts RUN')
const goodbye = await text(process.stdin)
// Workers of a killed run may still be creating a container.
const quietMs = goodbye ? 0 : 3000
for (let end = performance.now() + quietMs; ;) {
  if (await removeLeftovers(run)) end = performance.now() + quietMs
  if (performance.now() >= end) break
  await new Promise((resolve) => setTimeout(resolve, 500))
}
