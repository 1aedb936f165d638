import type { Command } from 'commander'

/** The parts of a command that completion uses. */
export interface CommandDescription {
  readonly name: string
  readonly summary: string
  readonly options: readonly {
    readonly flag: string
    readonly description: string
    readonly takesValue: boolean
  }[]
  /** The choices for its first argument. */
  readonly choices: readonly string[]
  /** Whether its first argument is the name of a service. */
  readonly takesService: boolean
}

/** Describes a command, or the program itself, for completion. */
export const describeCommand = (command: Command): CommandDescription => {
  const [first] = command.registeredArguments
  return {
    name: command.name(),
    summary: command.summary(),
    options: command
      .createHelp()
      .visibleOptions(command)
      .flatMap(({ long, description, required }) =>
        long ? [{ flag: long, description, takesValue: required }] : [],
      ),
    choices: first?.argChoices ?? [],
    takesService: first?.name() === 'service',
  }
}
