import { parseArgs } from 'node:util'
import { type BackendName, backendNames } from './backends/open-backend.ts'

/** What to do, as asked on the command line. */
export type Command =
  | { readonly do: 'help' }
  | {
      readonly do: 'run'
      readonly backend: BackendName
      readonly minutes: number
      readonly seed: number
      readonly ttlMs: number
      readonly members: number
      readonly record: string | undefined
      /** The run ends after the round in which this many violations are reached. */
      readonly mostViolations: number
    }
  | { readonly do: 'check'; readonly file: string }

/** An argument that cannot be used; the message says which, and what is accepted. */
export class ArgumentError extends Error {}

const number = (name: string, text: string, least: number): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < least)
    throw new ArgumentError(`--${name} is '${text}'; expected a number of at least ${least}`)
  return value
}

const backendNamed = (name: string | undefined): BackendName => {
  const found = backendNames.find((known) => known === name)
  if (found !== undefined) return found
  const accepted = backendNames.join(', ')
  throw new ArgumentError(
    name === undefined
      ? `--backend is missing; expected one of ${accepted}`
      : `--backend is '${name}'; expected one of ${accepted}`,
  )
}

/**
 * Reads the command line of `npm run bounds`.
 * @throws ArgumentError
 */
export const readMeasuredBackend = (given: readonly string[]): BackendName | 'help' => {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: { backend: { type: 'string' }, help: { type: 'boolean', default: false } },
    })
    return values.help ? 'help' : backendNamed(values.backend)
  } catch (error) {
    throw error instanceof ArgumentError ? error : new ArgumentError((error as Error).message)
  }
}

const parse = (given: readonly string[]) => {
  try {
    return parseArgs({
      args: [...given],
      options: {
        backend: { type: 'string' },
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string' },
        'ttl-ms': { type: 'string', default: '3000' },
        members: { type: 'string', default: '1' },
        record: { type: 'string' },
        'most-violations': { type: 'string', default: '5' },
        check: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new ArgumentError((error as Error).message)
  }
}

/**
 * Reads the command line; a missing seed is drawn.
 * @throws ArgumentError
 */
export const readArguments = (given: readonly string[]): Command => {
  const values = parse(given)
  if (values.help) return { do: 'help' }
  if (values.check !== undefined) return { do: 'check', file: values.check }
  const backend = backendNamed(values.backend)
  const members = number('members', values.members, 1)
  if (members !== 1 && (members !== 3 || backend === 'sqlite'))
    throw new ArgumentError(
      `--members is '${values.members}'; expected 1${backend === 'sqlite' ? ' for sqlite' : ' or 3'}`,
    )
  const seed = values.seed ?? String(Math.floor(Math.random() * 1_000_000))
  return {
    do: 'run',
    backend,
    members,
    minutes: number('minutes', values.minutes, 0),
    seed: Math.trunc(number('seed', seed, 0)),
    ttlMs: number('ttl-ms', values['ttl-ms'], 1_000),
    record: values.record,
    mostViolations: number('most-violations', values['most-violations'], 1),
  }
}
