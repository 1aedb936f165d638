import { describeFormatContract } from '@sd/contract-tests'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { goKitFormat } from './go-kit-format.ts'

describeFormatContract(goKitFormat, {
  foreign: [
    {
      key: 'foosvc/1.2.3.4:8080',
      value: 'http://1.2.3.4:8080',
      instance: { id: '1.2.3.4:8080', endpoints: ['http://1.2.3.4:8080'] },
    },
  ],
  unreadable: [{ key: 'foosvc/x', value: '{"Op":0}' }],
})

test('docs/writing-a-format.md shows this format', async () => {
  const page = await readFile(
    new URL('../../../../docs/writing-a-format.md', import.meta.url),
    'utf8',
  )
  const source = await readFile(new URL('go-kit-format.ts', import.meta.url), 'utf8')
  expect(page).toContain(`\`\`\`ts\n${source}\`\`\``)
})
