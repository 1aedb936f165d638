import { Logger as NestLogger, type LoggerService } from '@nestjs/common'
import type { Logger } from '@sd/core'

/** The error of a line's details, with its stack, as Nest's `error` prints it. */
const stackOf = (details: object): string | undefined => {
  const { err } = details as { readonly err?: unknown }
  return err instanceof Error ? err.stack : undefined
}

/** Writes the lines of a registry to Nest's logger. Default: one with the context `sd`. */
export const nestLogger = (logger: LoggerService = new NestLogger('sd')): Logger => ({
  debug: (_details, message) => logger.debug?.(message),
  info: (_details, message) => logger.log(message),
  warn: (_details, message) => logger.warn(message),
  error: (details, message) => logger.error(message, stackOf(details)),
})
