import { readFile } from 'node:fs/promises'
import { contractCaseNames } from '@sd/contract-tests'
import { describe, expect, test } from 'vitest'
import { driverCases } from '../src/contract-cases.ts'

const pageOf = (name: string): Promise<string> =>
  readFile(new URL(`../../../docs/${name}.md`, import.meta.url), 'utf8')
const guarantees = await pageOf('guarantees')
const limits = await pageOf('limits')
const named = [...limits.matchAll(/^- `((?:R|D|W|S)\d+ .*)`$/gm)].map(([, name = '']) => name)
const ids = [
  ...Array.from({ length: 13 }, (_, index) => `R${index + 1}`),
  ...Array.from({ length: 7 }, (_, index) => `D${index + 1}`),
  ...Array.from({ length: 8 }, (_, index) => `W${index + 1}`),
  ...Array.from({ length: 3 }, (_, index) => `S${index + 1}`),
]

test('docs/limits.md names every case of the suite that checks a guarantee, and no other', () => {
  const cases = contractCaseNames.filter((name) => /^[RDWS]\d+ /.test(name))
  expect(named.toSorted()).toEqual(cases.toSorted())
})

test.each(ids)('%s is in docs/guarantees.md, and has a case', (id) => {
  expect(guarantees).toMatch(new RegExp(`^\\*\\*${id}\\b`, 'm'))
  expect(contractCaseNames.some((name) => name.startsWith(`${id} `))).toBe(true)
})

describe('docs/writing-a-backend.md', async () => {
  const guide = await pageOf('writing-a-backend')
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
