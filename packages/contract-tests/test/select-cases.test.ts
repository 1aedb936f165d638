import { expect, test } from 'vitest'
import { type ContractCase, contractCase, type Need } from '../src/contract-case.ts'
import { selectCases } from '../src/select-cases.ts'

const named = (name: string, needs: readonly Need[]): ContractCase =>
  contractCase(name, needs, async () => {})

const cases = [
  named('R1 registers', []),
  named('R3 survives a partition', ['partition']),
  named('R4 survives a restart of the server', ['partition', 'server']),
  named('S1 logs in', ['secure']),
]

const skips = (...args: Parameters<typeof selectCases>): Record<string, string | undefined> =>
  Object.fromEntries(
    selectCases(...args).map(({ contractCase: { name }, skipped }) => [name, skipped]),
  )

test('cases whose hooks exist run, the others are skipped with what they need', () => {
  expect(skips(cases, ['partition'])).toEqual({
    'R1 registers': undefined,
    'R3 survives a partition': undefined,
    'R4 survives a restart of the server': 'this harness has no server',
    'S1 logs in': 'this harness has no secure',
  })
})

test('a reason for a missing hook is stated once', () => {
  const missing = { server: 'it is not ours', partition: 'it is not ours' }
  const skipped = skips(cases, [], missing)
  expect(skipped['R4 survives a restart of the server']).toBe(
    'this harness has no partition, server: it is not ours',
  )
  expect(skipped['S1 logs in']).toBe('this harness has no secure')
})
