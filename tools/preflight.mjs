// Tells a person whose Node or install cannot work what to do, before anything else fails obscurely.
// This file must parse on Node 12, so it keeps to old syntax.
import { existsSync } from 'fs'
import { fileURLToPath } from 'url'

const needed = [22, 19]
const found = process.versions.node.split('.').map(Number)
const problems = []

if (!existsSync(fileURLToPath(new URL('../node_modules', import.meta.url)))) {
  problems.push('node_modules is missing. Run: npm ci')
}
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  problems.push(
    'This runs on Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      '); Node ' +
      needed.join('.') +
      ' or newer is needed.\n' +
      '  On Linux x64 and arm64 the lockfile brings Node 24, and npm puts it first in PATH:\n' +
      '  run "npm ci" without --omit=optional (and without --no-optional), then "npm start" or\n' +
      '  "npm test", not "node" directly. Elsewhere install Node 24 from https://nodejs.org.',
  )
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
