import { expect, it } from 'vitest'
import { runShare, seedsPerShare, shareTimeoutMs } from './seed-share.ts'

it(
  `${seedsPerShare} seeded fault schedules pass, share 3 of 4`,
  { timeout: shareTimeoutMs },
  async () => {
    expect(await runShare(2)).toBeUndefined()
  },
)
