import type { Logger } from '@sd/core'

/** What is worth a line to a program that has no logger; each is written once. */
const noticed: ReadonlySet<unknown> = new Set(['outage-began', 'loopback-endpoint'])

/**
 * The logger of a registry that is given none: writes to stderr that the backend cannot be reached,
 * and that an instance is registered with a loopback address. Each is written once, so that a program
 * whose registry is down does not hang in silence.
 */
export const createDefaultNotices = (): Logger => {
  const left = new Set(noticed)
  return {
    debug: () => {},
    info: () => {},
    warn: (details, message) => {
      if ('event' in details && left.delete(details.event)) process.stderr.write(`sd: ${message}\n`)
    },
    error: () => {},
  }
}
