import { expect, it } from 'vitest'
import { runShare, seedsPerShare, shareTimeoutMs } from './seed-share.ts'

it(
  `${seedsPerShare} seeded fault schedules pass, share 2 of 4`,
  { timeout: shareTimeoutMs },
  async () => {
    expect(await runShare(1)).toBeUndefined()
  },
)
