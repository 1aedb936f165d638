import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import type { StepResult } from '../doctor/step.ts'
import { diagnose } from '../doctor/diagnose.ts'
import { exitCode } from '../exit-code.ts'
import { openDriver } from '../open-driver.ts'
import type { Output, Style } from '../output/output.ts'
import { printable } from '../output/printable.ts'
import { describeLocation } from '../settings.ts'
import { type Run, registryCommand } from './subcommand.ts'

interface DoctorOptions extends CommonOptions {
  readonly probe?: boolean
}

const marks: Readonly<Record<StepResult['status'], readonly [Style, string]>> = {
  ok: ['green', 'ok  '],
  warn: ['yellow', 'warn'],
  fail: ['red', 'FAIL'],
}

const tell = async (output: Output, result: StepResult): Promise<void> => {
  const { status, step, ms, detail, lines = [] } = result
  if (output.json) return output.writeJson([result])
  const [style, mark] = marks[status]
  const took = ms === undefined ? '' : `${ms.toFixed(1)} ms`
  await output.write([
    `${output.paint(style, mark)} ${step.padEnd(12)} ${took.padStart(10)}  ${printable(detail)}`,
    ...lines.map((line) => `     ${printable(line)}`),
  ])
}

const doctor = async (
  { locate, output, progress, signal }: CommandContext,
  probe: boolean,
): Promise<number> => {
  const location = await locate()
  await using open = await openDriver(location.url, signal)
  await tell(output, { status: 'ok', step: 'registry', detail: describeLocation(location) })
  const results = diagnose(open, { service: `sd-doctor-${randomUUID()}`, probe, signal })
  let worst: number = exitCode.ok
  for (;;) {
    const { done, value } = await progress('looking', results.next())
    if (done === true) return worst
    await tell(output, value)
    if (value.status !== 'fail') continue
    worst = value.step === 'connect' ? exitCode.unreachable : worst || exitCode.failed
  }
}

/** `sd doctor` */
export const doctorCommand = (run: Run): Command =>
  registryCommand(
    'doctor',
    'Find out what is wrong with a registry',
    `Connects, authenticates, reads, opens a session, writes a record under its own service, waits for
the watch to deliver it, removes it, and prints the duration of each step. Shows the server's
version and limits, the difference between its clock and the local one, the unreadable records
with the reasons, and what the format of another fleet cannot carry. Ends with 1 when a step fails, and with 4 when there is no connection.`,
    [
      ['sd doctor', 'check the registry of SD_URL'],
      ['sd doctor --probe', 'also list the instances whose endpoint does not answer'],
      ['sd doctor --json --url consul://127.0.0.1:8500', 'for programs'],
    ],
  )
    .option('--probe', 'connect to the port of every endpoint')
    .action((options: DoctorOptions) =>
      run(options, (context) => doctor(context, options.probe ?? false)),
    )
