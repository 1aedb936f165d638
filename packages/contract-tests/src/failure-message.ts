import type { LogLine } from './contract-run.ts'

/** The same error, with `change` applied to its message, also within its stack. */
const reworded = (error: unknown, change: (message: string) => string): unknown => {
  if (!(error instanceof Error)) return error
  const message = change(error.message)
  const stack = error.stack?.replace(error.message, () => message)
  error.message = message
  if (stack !== undefined) error.stack = stack
  return error
}

/** Prefixes a failure with its place: `over the secure connection 'password': …`. */
export const failureOver = (place: string, error: unknown): unknown =>
  reworded(error, (message) => `${place}: ${message}`)

const lastLines = 5

const causeOf = ({ details }: LogLine): string => {
  const cause = details['err'] ?? details['cause'] ?? details['error']
  return cause instanceof Error ? `: ${cause.message}` : ''
}

/**
 * A case's failure with the last warnings and errors that its registries logged: a difference of
 * two lists seldom shows the cause.
 */
export const failureWithLogs = (error: unknown, logs: readonly LogLine[]): unknown => {
  const lines = logs
    .filter(({ level }) => level === 'warn' || level === 'error')
    .map((line) => `  ${line.level} ${line.message}${causeOf(line)}`)
  const last = lines.filter((line, at) => line !== lines[at - 1]).slice(-lastLines)
  if (last.length === 0) return error
  return reworded(
    error,
    (message) => `${message}\n\nlogged last by the registries of this case:\n${last.join('\n')}`,
  )
}
