import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../src/program.ts'

const program = createProgram(async () => {})

const helpOf = (command: Command): string => {
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text), getOutHelpWidth: () => 80 })
  command.outputHelp()
  return help
}

describe('help', () => {
  test('of sd', async () => {
    await expect(helpOf(program)).toMatchFileSnapshot('help/sd.txt')
  })

  test.each(program.commands.map((command) => [command.name(), command] as const))(
    'of sd %s, with examples whose options exist',
    async (name, command) => {
      const help = helpOf(command)
      await expect(help).toMatchFileSnapshot(`help/${name}.txt`)
      const [reference = '', examples = ''] = help.split('Examples:')
      expect(examples).toContain(`sd ${name}`)
      for (const [option] of examples.matchAll(/(?<= )--\w[\w-]*/g))
        expect(reference).toContain(`  ${option} `)
      expect(reference).toContain('--json')
    },
  )
})
