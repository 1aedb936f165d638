import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Store } from '../src/worker/store.ts'

const ttlMs = 86_400_000

let folder: string
let store: Store
let shell: DatabaseSync

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sd-store-'))
  const path = join(folder, 'registry.db')
  store = new Store({ path, namespace: 'services' }, () => {})
  store.openSession('s1', ttlMs)
  shell = new DatabaseSync(path)
})
afterEach(async () => {
  vi.restoreAllMocks()
  shell.close()
  store[Symbol.dispose]()
  await rm(folder, { recursive: true })
})

const renewedMs = (): number =>
  Number(shell.prepare(`SELECT renewed_ms FROM sessions WHERE id = 's1'`).get()?.['renewed_ms'])

/** Tries to renew another session while the file is locked. */
const renewLocked = (): void => {
  shell.exec('BEGIN IMMEDIATE')
  try {
    expect(() => store.renewSession('s2')).toThrow('locked')
  } finally {
    shell.exec('ROLLBACK')
  }
}

/** Moves the monotonic clock of this process on. */
const pass = (durationMs: number): void => {
  const atNs = process.hrtime.bigint() + BigInt(durationMs) * 1_000_000n
  vi.spyOn(process.hrtime, 'bigint').mockReturnValue(atNs)
}

test('a session is extended by the time for which the file was locked', () => {
  const before = renewedMs()
  renewLocked()
  pass(10_000)
  store.probe()
  expect(renewedMs() - before).toBeGreaterThanOrEqual(10_000)
})

test('a session is not extended because a write was given up at a lock an hour ago', () => {
  const before = renewedMs()
  renewLocked()
  pass(3_600_000)
  store.probe()
  expect(renewedMs()).toBe(before)
})

test('a session is not extended because of two locks an hour apart', () => {
  const before = renewedMs()
  renewLocked()
  pass(3_600_000)
  renewLocked()
  store.probe()
  expect(renewedMs()).toBe(before)
})
