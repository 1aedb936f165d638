import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'
import { isGone, ownIdentity, type ProcessIdentity } from '../src/worker/process-identity.ts'
import { silenceMs, stallMs } from '../src/worker/session-expiry.ts'

describe('the time since a session’s last heartbeat', () => {
  const session = { renewedMs: 1_000, renewedAtMs: 500_000 }
  const now = { monotonicMs: 3_000, wallMs: 900_000 }

  test.each([
    ['of this boot is measured on the monotonic clock', 'b time:[1]', 'b time:[1]', 2_000],
    ['of another boot is infinite', 'a time:[1]', 'b time:[1]', Infinity],
    [
      'of another time namespace is measured on the wall clock',
      'b time:[2]',
      'b time:[1]',
      400_000,
    ],
    ['of an unknown boot is measured on the wall clock', null, 'b time:[1]', 400_000],
    ['in a process that knows no boot is measured on the wall clock', 'b time:[1]', null, 400_000],
    ['without any known boot is measured on the wall clock', null, null, 400_000],
  ])('%s', (_, theirs, ours, expected) => {
    expect(silenceMs({ ...session, boot: theirs }, ours, now)).toBe(expected)
  })
})

describe('a stall', () => {
  test.each([
    ['is the time for which the call waited', 4_000, 9_000, 4_000],
    ['is no longer than the time since the last write', 4_000, 1_000, 1_000],
    ['that is short is ignored', 200, 9_000, 0],
    ['is zero without a wait', 0, 9_000, 0],
    ['is the waiting time where there is no session', 4_000, Infinity, 4_000],
  ])('%s', (_, waitedMs, sinceMs, expected) => {
    expect(stallMs(waitedMs, sinceMs)).toBe(expected)
  })
})

describe.runIf(process.platform === 'linux')('a process', () => {
  const own = ownIdentity()

  test('is identified by pid, start, namespace and boot', () => {
    expect(own).toEqual({
      pid: process.pid,
      pidStarted: expect.stringMatching(/^\d+$/) as string,
      pidNamespace: expect.stringContaining('pid:[') as string,
      boot: expect.stringMatching(/^[0-9a-f-]{36}/) as string,
    })
    expect(isGone(own, own)).toBe(false)
  })

  test.each<[string, Partial<ProcessIdentity>, boolean]>([
    ['whose pid belongs to another process now has ended', { pidStarted: '1' }, true],
    ['whose pid does not exist has ended', { pid: 2 ** 22 + 1 }, true],
    ['of another container is not judged', { pid: 2 ** 22 + 1, pidNamespace: 'pid:[1]' }, false],
    ['of an unknown namespace is not judged', { pid: 2 ** 22 + 1, pidNamespace: null }, false],
    ['of another boot is not judged', { pid: 2 ** 22 + 1, boot: 'another' }, false],
    ['whose start is unknown runs while its pid exists', { pidStarted: null }, false],
    ['of another user is running', { pid: 1, pidStarted: null }, false],
  ])('%s', (_, other, gone) => {
    expect(isGone({ ...own, ...other }, own)).toBe(gone)
  })

  test('that was killed has ended also while its parent has not waited for it', async () => {
    // the shell becomes a program that never waits for the child; the shell itself may
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'])
    const [output] = (await once(parent.stdout, 'data')) as [Buffer]
    const zombie = { ...own, pid: Number(output.toString()) }
    await vi.waitUntil(() => readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'sleep\n')
    process.kill(zombie.pid, 'SIGKILL')
    const stat = (): string[] => readFileSync(`/proc/${zombie.pid}/stat`, 'latin1').split(' ')
    await vi.waitUntil(() => stat()[2] === 'Z')
    expect(isGone({ ...zombie, pidStarted: stat()[21] ?? '' }, own)).toBe(true)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  })
})
