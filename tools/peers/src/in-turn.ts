import { readFile, rm, writeFile } from 'node:fs/promises'
import { until } from '@sd/test-servers'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Creates the lock file, with the id of this process; removes that of a process that was killed. */
const taken = async (lock: string): Promise<boolean> => {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const holder = Number(await readFile(lock, 'utf8'))
    if (!isAlive(holder)) await rm(lock, { force: true })
    return false
  }
}

/** Runs `work` while no other process holds the lock file; rejects after `deadlineMs` of waiting. */
export const inTurn = async <T>(
  lock: string,
  deadlineMs: number,
  work: () => Promise<T>,
): Promise<T> => {
  await until(`${lock} is free`, () => taken(lock), deadlineMs)
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}
