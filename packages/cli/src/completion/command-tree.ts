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
  /** How many of its first arguments are names: a service, and the id of an instance. */
  readonly names: 0 | 1 | 2
}

/** Describes a command, or the program itself, for completion. */
export const describeCommand = (command: Command): CommandDescription => {
  const [first, second] = command.registeredArguments
  const takesId = second?.name() === 'id'
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
    names: first?.name() !== 'service' ? 0 : takesId ? 2 : 1,
  }
}

/** Describes the commands of `program` that its help lists. */
export const describeCommands = (program: Command): readonly CommandDescription[] =>
  program.createHelp().visibleCommands(program).map(describeCommand)
