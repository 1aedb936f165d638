import { expect, test } from 'vitest'
import { securityCases } from '../src/cases/security-cases.ts'
import type { ContractHarness } from '../src/contract-harness.ts'
import { ContractRun } from '../src/contract-run.ts'
import { failureWithLogs } from '../src/failure-message.ts'
import { caseBounds } from '../src/run-contract-case.ts'

test('a failure shows the last log lines of the registries, and keeps the compared values', () => {
  const line = (level: string, message: string, details = {}) => ({ level, message, details })
  const original = new Error('expected Map{} to equal Map{a=>1}')
  const failure = failureWithLogs(original, [
    line('debug', 'all is well'),
    line('warn', 'the session was lost', { err: new Error('lease 7 not found') }),
    line('warn', 'stale'),
    line('warn', 'stale'),
  ]) as Error
  expect(failure).toBe(original)
  expect(failure.message).toBe(
    'expected Map{} to equal Map{a=>1}\n\nlogged last by the registries of this case:\n' +
      '  warn the session was lost: lease 7 not found\n  warn stale',
  )
  expect(failure.stack).toContain('lease 7 not found')
  expect((failureWithLogs(new Error('alone'), []) as Error).message).toBe('alone')
})

test.each(securityCases.filter(({ needs }) => needs.includes('secure')))(
  'a failure of $name names the secure connection',
  async (securityCase) => {
    const connect = () => {
      throw new Error('no such certificate')
    }
    const secure = { password: { connect, secrets: [], server: {} } }
    const harness = { connect, secure } as unknown as ContractHarness
    const { times, many } = caseBounds()
    const run = new ContractRun(harness, { list: 'linearizable' } as never, times, many)
    await expect(securityCase.run(run)).rejects.toThrow(
      "over the secure connection 'password': no such certificate",
    )
  },
)
