import { Argument, type Command } from 'commander'
import { bash } from '../completion/bash.ts'
import { describeCommand, describeCommands } from '../completion/command-tree.ts'
import { fish } from '../completion/fish.ts'
import { zsh } from '../completion/zsh.ts'
import type { CommonOptions } from '../command-context.ts'
import { exitCode } from '../exit-code.ts'
import { type Run, subcommand } from './subcommand.ts'

const scripts = { bash, zsh, fish }

/** `sd completion SHELL`; reads the commands of `program` when it runs. */
export const completionCommand = (run: Run, program: Command): Command =>
  subcommand(
    'completion',
    'Print the completion script of a shell',
    'The script completes commands, options, the names of services and the ids of instances, in the\nregistry of --url if it is on the line. What the registry does not answer within 300 ms is left out.',
    [
      ['source <(sd completion bash)', 'bash: a line for ~/.bashrc'],
      ['source <(sd completion zsh)', 'zsh: a line for ~/.zshrc, after compinit'],
      ['sd completion fish | source', 'fish: a line for ~/.config/fish/config.fish'],
    ],
  )
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .action((shell: keyof typeof scripts, options: CommonOptions) =>
      run(options, async ({ output }) => {
        const script = scripts[shell](describeCommands(program), describeCommand(program))
        if (output.json) await output.writeJson([{ shell, script }])
        else await output.write([script])
        return exitCode.ok
      }),
    )
