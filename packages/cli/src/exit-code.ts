import { constants } from 'node:os'
import { RegistryError, type RegistryErrorCode } from '@sd/registry'

/** The exit codes of `sd`. `sd register` returns the code of the command that it runs. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
} as const

const codes: Readonly<Partial<Record<RegistryErrorCode, number>>> = {
  'invalid-argument': exitCode.usage,
  'invalid-config': exitCode.usage,
  unavailable: exitCode.unreachable,
  timeout: exitCode.unreachable,
}

/** The exit code of a failure: 2 for wrong usage, 4 for an unreachable backend, else 1. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof CommandError
    ? error.exitCode
    : error instanceof RegistryError
      ? (codes[error.code] ?? exitCode.failed)
      : exitCode.failed

/** The exit code that a shell reports for a program ended by a signal. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

/** A failure whose message is all that the user needs. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, code: number = exitCode.failed) {
    super(message)
    this.exitCode = code
  }
}

/** Wrong usage that the argument parser cannot detect; exits with 2. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, exitCode.usage)
  }
}
