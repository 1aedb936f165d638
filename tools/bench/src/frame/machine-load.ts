import { readdirSync, readFileSync } from 'node:fs'
import { loadavg } from 'node:os'

/** How busy the machine was during a sample. */
export interface MachineLoad {
  /** The load average of the last minute, at the end of the sample. */
  readonly loadAverage: number
  /**
   * The share of all processors that processes outside the benchmark used, or a hypervisor withheld;
   * `undefined` without Linux's `/proc`.
   */
  readonly others: number | undefined
}

interface Ticks {
  readonly total: number
  readonly busy: number
  readonly own: number
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // no such process any more
  }
}

/** The CPU ticks of this process, its descendants, and those of them that have ended. */
const ownTicks = (): number => {
  const parents = new Map<number, number>()
  const ticks = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readText(`/proc/${name}/stat`)
    // proc(5): the fields after the command, which may contain spaces: state ppid … utime stime cutime cstime
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    parents.set(Number(name), Number(fields[1]))
    ticks.set(
      Number(name),
      fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
    )
  }
  const isOwn = (id: number | undefined): boolean =>
    id !== undefined && id !== 0 && (id === process.pid || isOwn(parents.get(id)))
  let own = 0
  for (const [id, used] of ticks) if (isOwn(id)) own += used
  return own
}

const readTicks = (): Ticks | undefined => {
  const [line = ''] = readText('/proc/stat').split('\n')
  // proc(5): user nice system idle iowait irq softirq steal
  const fields = line.split(/\s+/).slice(1, 9).map(Number)
  if (fields.length < 8) return undefined
  const total = fields.reduce((sum, field) => sum + field, 0)
  return { total, busy: total - (fields[3] ?? 0) - (fields[4] ?? 0), own: ownTicks() }
}

/** Begins to measure the load; the returned function ends it. */
export const measureLoad = (): (() => MachineLoad) => {
  const began = readTicks()
  return () => {
    const ended = readTicks()
    const [loadAverage = 0] = loadavg()
    if (began === undefined || ended === undefined || ended.total === began.total)
      return { loadAverage, others: undefined }
    const others = ended.busy - began.busy - (ended.own - began.own)
    return { loadAverage, others: Math.max(0, others) / (ended.total - began.total) }
  }
}
