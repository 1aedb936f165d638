import { expect, test } from 'vitest'
import { rehearse } from '../src/doctor/rehearse.ts'
import { openDriver } from '../src/open-driver.ts'

test('an interrupted rehearsal leaves no record behind', async () => {
  const url = 'memory:rehearse'
  const never = new AbortController().signal
  const interruption = new AbortController()
  await using other = await openDriver(url, never)
  const services = (): Promise<unknown> =>
    other.call(
      'list',
      async (bounded) => (await other.driver.list({ services: true }, bounded)).services,
    )
  await using open = await openDriver(url, interruption.signal)
  const steps = rehearse(open, 'rehearsed', interruption.signal)
  for (const step of ['session', 'watch', 'write'])
    expect((await steps.next()).value).toMatchObject({ status: 'ok', step })
  expect(await services()).toEqual(['rehearsed'])
  const reason = new Error('enough')
  interruption.abort(reason)
  await expect(steps.next()).rejects.toBe(reason)
  expect(await services()).toEqual([])
})
