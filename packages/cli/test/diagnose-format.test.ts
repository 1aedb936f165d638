import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { diagnose } from '../src/doctor/diagnose.ts'
import type { StepResult } from '../src/doctor/step.ts'
import { openDriver } from '../src/open-driver.ts'

/** The first step of a diagnosis of a registry in that format. */
const firstStep = async (format: WireFormat): Promise<StepResult | undefined> => {
  const { signal } = new AbortController()
  await using open = await openDriver('memory:diagnose-format', signal)
  const steps = diagnose({ ...open, format }, { service: 'x', probe: false, signal })
  for await (const step of steps) return step
  return undefined
}

test('says what the format of another fleet cannot carry, and nothing about the own one', async () => {
  expect(await firstStep(jsonFormat)).toMatchObject({ step: 'connect' })
  expect(await firstStep(kratosFormat)).toEqual({
    status: 'ok',
    step: 'format',
    detail: 'kratos carries everything',
    lines: ['other programs write it: their record under an id of yours supersedes yours'],
  })
  expect(
    await firstStep({ ...kratosFormat, name: 'bare', lacks: ['weight', 'claim', 'ttlMs'] }),
  ).toMatchObject({
    status: 'warn',
    detail: 'bare carries no weight, claim, ttl',
    lines: [expect.stringContaining('no id is taken over'), expect.anything()],
  })
})
