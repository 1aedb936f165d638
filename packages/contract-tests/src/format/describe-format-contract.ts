import type { WireFormat } from '@sd/core/driver'
import { describe, test } from 'vitest'
import { formatCases, type FormatSamples } from './format-cases.ts'

/**
 * Declares the contract suite for one format, as Vitest tests: its keys, the round trip of random
 * records, the samples of other programs, and 100,000 damaged records. Needs no server.
 */
export const describeFormatContract = (format: WireFormat, samples: FormatSamples = {}): void => {
  describe(`${format.name}: format contract`, () => {
    for (const { name, run } of formatCases)
      test(name, { timeout: 60_000 }, () => run(format, samples))
  })
}
