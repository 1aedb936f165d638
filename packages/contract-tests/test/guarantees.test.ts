import { readFile } from 'node:fs/promises'
import { contractCaseNames } from '@sd/contract-tests'
import { describe, expect, test } from 'vitest'
import { driverCases } from '../src/contract-cases.ts'

const page = await readFile(new URL('../../../docs/guarantees.md', import.meta.url), 'utf8')
const named = [...page.matchAll(/^- `((?:R|D|W|S)\d+ .*)`$/gm)].map(([, name = '']) => name)
const ids = [
  ...Array.from({ length: 12 }, (_, index) => `R${index + 1}`),
  ...Array.from({ length: 7 }, (_, index) => `D${index + 1}`),
  ...Array.from({ length: 8 }, (_, index) => `W${index + 1}`),
  ...Array.from({ length: 3 }, (_, index) => `S${index + 1}`),
]

test('docs/guarantees.md names every case of the suite that checks a guarantee, and no other', () => {
  const cases = contractCaseNames.filter((name) => /^[RDWS]\d+ /.test(name))
  expect(named.toSorted()).toEqual(cases.toSorted())
})

test.each(ids)('%s is in docs/guarantees.md, and has a case', (id) => {
  expect(page).toMatch(new RegExp(`^\\*\\*${id}\\b`, 'm'))
  expect(contractCaseNames.some((name) => name.startsWith(`${id} `))).toBe(true)
})

describe('docs/writing-a-backend.md', async () => {
  const guide = await readFile(
    new URL('../../../docs/writing-a-backend.md', import.meta.url),
    'utf8',
  )
  const obligations = driverCases.map(({ name }) => name)

  test('names every case that calls a driver, and no other', () => {
    const listed = [...guide.matchAll(/^- `(T\d+ .*)`$/gm)].map(([, name = '']) => name)
    expect(listed.toSorted()).toEqual(obligations.toSorted())
  })

  test.each([...new Set(obligations.map((name) => name.split(' ')[0] ?? ''))])(
    'explains %s',
    (id) => {
      expect(guide).toMatch(new RegExp(`^\\*\\*${id}\\*\\* \\*\\*`, 'm'))
    },
  )
})
