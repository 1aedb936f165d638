import { jsonFormat } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { earlierRecord, earlierRequest, laterRecord } from '../src/golden-records.ts'

test('a passing instance has the bytes of the version before health', () => {
  expect(Buffer.from(jsonFormat.encode(earlierRequest)).toString()).toBe(earlierRecord)
})

test('the records fit one Meta value of Consul', () => {
  for (const text of [earlierRecord, laterRecord]) expect(text.length).toBeLessThanOrEqual(512)
})
