import { describe, expect, test } from 'vitest'
import { AcceptedSurvivors, readAccepted } from '../src/accepted-survivors.ts'
import { findMutants } from '../src/find-mutants.ts'
import type { Mutant } from '../src/mutant.ts'

test('every entry has changes, each once, and a reason', () => {
  const entries = readAccepted()
  expect(entries.filter(({ changes, reason }) => changes.length === 0 || reason === '')).toEqual([])
  const keys = entries.flatMap(({ file, inside, changes }) =>
    changes.map((change) => [file, inside, change].join(' ')),
  )
  expect(keys.filter((key, index) => keys.indexOf(key) < index)).toEqual([])
})

const folder = 'packages/core/src/'
const mutantsOf = (file: string, code: string): readonly Mutant[] =>
  findMutants(folder + file, code)

describe('a reason', () => {
  const small = mutantsOf('model/a.ts', 'const isSmall = (n) => n * 2 < 3')
  const same = mutantsOf('watch/b.ts', 'const isSame = (n) => n * 2 < 3')
  const reasonsOf = (mutants: readonly Mutant[], accepted: AcceptedSurvivors): readonly unknown[] =>
    mutants.flatMap((mutant) => accepted.reasonFor(mutant) ?? [])

  test('is for one change of one function', () => {
    const accepted = new AcceptedSurvivors([
      { file: `${folder}model/a.ts`, inside: 'isSmall', changes: ['n * 2 → n / 2'], reason: 'why' },
    ])
    expect(reasonsOf(small, accepted)).toEqual(['why'])
    expect(reasonsOf(same, accepted)).toEqual([])
  })

  test('is for a folder, and for all changes that have its text around any text', () => {
    const accepted = new AcceptedSurvivors([
      { file: `${folder}model/`, changes: ['n … 3 → …'], reason: 'why' },
    ])
    expect(reasonsOf(small, accepted).length).toBeGreaterThan(1)
    expect(reasonsOf(small, accepted).length).toBeLessThan(small.length)
    expect(reasonsOf(same, accepted)).toEqual([])
  })

  test('is not needed when all that it names was run and noticed', () => {
    const accepted = new AcceptedSurvivors([{ changes: ['n * 2 → n / 2'], reason: 'why' }])
    const named = [...small, ...same].filter((one) => accepted.reasonFor(one) !== undefined)
    const [first, second] = named.map((mutant) => ({ mutant, status: 'killed' as const }))
    if (first === undefined || second === undefined) throw new Error('there are two such mutants')
    expect(accepted.unneeded([first, second], named)).toEqual(['n * 2 → n / 2'])
    expect(accepted.unneeded([first], named)).toEqual([])
    expect(accepted.unneeded([first, { ...second, status: 'survived' }], named)).toEqual([])
  })
})
