import type { Command } from 'commander'

/** A command, as far as completion needs to know it. */
export interface CommandDescription {
  readonly name: string
  readonly summary: string
  readonly options: readonly {
    readonly flag: string
    readonly description: string
    readonly takesValue: boolean
  }[]
  /** Words that its first argument is one of. */
  readonly choices: readonly string[]
  /** Whether its first argument is the name of a service. */
  readonly takesService: boolean
}

/** What completion needs to know of a command, or of the program itself. */
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
