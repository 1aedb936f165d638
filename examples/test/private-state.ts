import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** An environment in which the default registry is a separate file of this test run. */
export const privateState = (): NodeJS.ProcessEnv => {
  const { SD_URL: _, ...env } = process.env
  const state = mkdtempSync(join(tmpdir(), 'sd-examples-'))
  afterAll(() => rmSync(state, { recursive: true, force: true }))
  return { ...env, XDG_STATE_HOME: state }
}
