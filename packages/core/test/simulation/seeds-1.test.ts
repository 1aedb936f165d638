import { expect, it } from 'vitest'
import { runShare, seedsPerShare, shareTimeoutMs } from './seed-share.ts'

it(
  `${seedsPerShare} seeded fault schedules pass, share 1 of 4`,
  { timeout: shareTimeoutMs },
  async () => {
    expect(await runShare(0)).toBeUndefined()
  },
)
