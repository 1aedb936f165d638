import { constants } from 'node:os'
import { RegistryError, type RegistryErrorCode } from '@sd/registry'

/** How `sd` ends, for scripts. A command that `sd register` runs has its own codes. */
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

/** What a failure ends with: 2 for what the user wrote, 4 for a backend out of reach, else 1. */
export const exitCodeOf = (error: unknown): number =>
  error instanceof CommandError
    ? error.exitCode
    : error instanceof RegistryError
      ? (codes[error.code] ?? exitCode.failed)
      : exitCode.failed

/** What a shell says of a program that a signal ended. */
export const exitCodeOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

/** A failure whose message is all that the user needs to know. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, code: number = exitCode.failed) {
    super(message)
    this.exitCode = code
  }
}

/** Wrong usage that the argument parser cannot see; ends with 2. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, exitCode.usage)
  }
}
