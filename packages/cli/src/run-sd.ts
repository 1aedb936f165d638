import { CommanderError } from 'commander'
import { runCommand } from './command-context.ts'
import { exitCode } from './exit-code.ts'
import { Interruption } from './interruption.ts'
import { createProgram } from './program.ts'

/** Runs the command line of this process, and sets its exit code. */
export const runSd = async (): Promise<void> => {
  using interruption = new Interruption()
  let lost = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    interruption.readerLeft()
    if (error.code === 'EPIPE') return
    // output is lost, for example on a full disk
    lost = true
    process.exitCode = exitCode.failed
    process.stderr.write(`sd: the output cannot be written: ${error.message}\n`)
  })
  // an error of stderr cannot be reported anywhere
  process.stderr.on('error', () => {})
  const program = createProgram(async (options, work) => {
    const code = await runCommand(options, interruption, work)
    process.exitCode = lost ? exitCode.failed : code
  })
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // --help and --version have exit code 0
    process.exitCode = error.exitCode === 0 ? exitCode.ok : exitCode.usage
  }
}
