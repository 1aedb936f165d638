import { readFileSync, readlinkSync } from 'node:fs'
import process from 'node:process'

/** The process that opened a session. `null` where the system does not report a value. */
export interface ProcessIdentity {
  readonly pid: number
  /** Its start in ticks since the boot, because pids are reused. */
  readonly pidStarted: string | null
  /** A pid is valid only in its own namespace (container). */
  readonly pidNamespace: string | null
  /** `<boot id> <time namespace>`: together they identify a monotonic clock. */
  readonly boot: string | null
}

const attempt = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** State and start of a process from `/proc/<pid>/stat`; the name in it may hold any text. */
const statOf = (pid: number): { readonly state: string; readonly started: string } | undefined => {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // fields 3 and 22 in proc_pid_stat(5)
  return { state: fields[0] ?? '', started: fields[19] ?? '' }
}

const linuxIdentity = (): Omit<ProcessIdentity, 'pid'> => {
  const bootId = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
  // each time namespace may shift the monotonic clock
  const timeNamespace = attempt(() => readlinkSync('/proc/self/ns/time')) ?? ''
  return {
    pidStarted: statOf(process.pid)?.started ?? null,
    pidNamespace: attempt(() => readlinkSync('/proc/self/ns/pid')) ?? null,
    boot: bootId === undefined ? null : `${bootId} ${timeNamespace}`,
  }
}

/** The machine's boot, without the time namespace; `null` where the system does not report it. */
export const bootOf = ({ boot }: Pick<ProcessIdentity, 'boot'>): string | null =>
  boot?.split(' ')[0] ?? null

/** This process. */
export const ownIdentity = (): ProcessIdentity => ({
  pid: process.pid,
  ...(process.platform === 'linux'
    ? linuxIdentity()
    : { pidStarted: null, pidNamespace: process.platform, boot: null }),
})

const answersSignals = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // EPERM: the process exists, and belongs to another user
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Whether the process of `other` has certainly ended. Where that is unknown, the session's ttl decides. */
export const isGone = (other: ProcessIdentity, own: ProcessIdentity): boolean => {
  if (other.boot !== own.boot) return false
  if (other.pidNamespace === null || other.pidNamespace !== own.pidNamespace) return false
  if (!answersSignals(other.pid)) return true
  if (other.pidStarted === null) return false
  const stat = statOf(other.pid)
  if (stat === undefined) return false
  // a zombie has ended, and its parent has not waited for it yet
  return stat.started !== other.pidStarted || stat.state === 'Z' || stat.state === 'X'
}
