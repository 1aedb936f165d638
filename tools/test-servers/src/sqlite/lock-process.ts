import { DatabaseSync } from 'node:sqlite'

// The body of the process that `lockFile` starts: holds the write lock of the file until it is
// asked
// to stop; with `everyMs` repeatedly, for `holdMs` each time.
const { path, holdMs } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly path: string
  readonly holdMs?: number
}
const database = new DatabaseSync(path, { timeout: 10_000 })

const hold = (): void => {
  database.exec('BEGIN IMMEDIATE')
  process.send?.('locked')
  if (holdMs === undefined) return
  setTimeout(() => {
    database.exec('ROLLBACK')
    // other processes retry every few milliseconds
    setTimeout(hold, 40)
  }, holdMs)
}
hold()
process.once('disconnect', () => process.exit())
