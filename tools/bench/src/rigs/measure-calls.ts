import type { Row, Values, World } from '../frame/benchmark.ts'
import { cpuMs, timeCalls } from './time-calls.ts'
import { wireBytes } from './wire-bytes.ts'

/** How often a sample registers: first to warm up, then measured. */
export const callCounts = ({ quick }: World): { readonly warmUp: number; readonly count: number } =>
  quick ? { warmUp: 50, count: 100 } : { warmUp: 2_000, count: 400 }

/** One way to register the instance with a number. */
export interface Calls {
  readonly register: (index: number) => Promise<unknown>
  readonly deregister: (index: number) => Promise<unknown>
}

/** Registers one instance after the other, and then deregisters them. */
export const measureCalls = async (
  world: World,
  { register, deregister }: Calls,
): Promise<Values> => {
  const { warmUp, count } = callCounts(world)
  await timeCalls(warmUp, register)
  await timeCalls(warmUp, deregister)
  const began = { cpu: cpuMs(), bytes: wireBytes() }
  const registered = await timeCalls(count, register)
  const between = { cpu: cpuMs(), bytes: wireBytes() }
  const deregistered = await timeCalls(count, deregister)
  return {
    register: registered,
    registerCpu: (between.cpu - began.cpu) / count,
    registerBytes: (between.bytes - began.bytes) / count,
    deregister: deregistered,
    deregisterCpu: (cpuMs() - between.cpu) / count,
    deregisterBytes: (wireBytes() - between.bytes) / count,
  }
}

/** The rows of {@link measureCalls}: how much more than `against` each kind of call may take. */
export const callRows = (
  against: string,
  {
    register,
    deregister,
    remains,
  }: { readonly register: number; readonly deregister: number; readonly remains: string },
): Readonly<Record<string, Row>> => {
  const goals = (atMost: number) => [{ side: '@sd', against, atMost }]
  return {
    register: { what: 'register', unit: 'ms', goals: goals(register), remains },
    registerCpu: { what: 'CPU time of one register', unit: 'ms', goals: goals(register), remains },
    registerBytes: { what: 'bytes on the wire for one register', unit: 'bytes' },
    deregister: { what: 'deregister', unit: 'ms', goals: goals(deregister), remains },
    deregisterCpu: {
      what: 'CPU time of one deregister',
      unit: 'ms',
      goals: goals(deregister),
      remains,
    },
    deregisterBytes: { what: 'bytes on the wire for one deregister', unit: 'bytes' },
  }
}
