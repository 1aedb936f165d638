import { readFileSync, writeFileSync } from 'node:fs'
import { renderOxlintConfig, repositoryRoot } from './render-oxlint-config.ts'

// usage: node write-oxlint-config.ts [--check] [FILE]
const named = process.argv.slice(2).find((argument) => !argument.startsWith('--'))
const file = named ?? new URL('.oxlintrc.json', repositoryRoot)

const readConfig = (): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const rendered = renderOxlintConfig()
if (!process.argv.includes('--check')) {
  writeFileSync(file, rendered)
} else if (readConfig() !== rendered) {
  console.error(
    `${named ?? '.oxlintrc.json'} differs from the output of tools/boundaries. ` +
      'Change tools/boundaries/src, then run: node tools/boundaries/src/write-oxlint-config.ts',
  )
  process.exitCode = 1
}
