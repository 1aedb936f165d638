import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Toolchain, World } from '../frame/benchmark.ts'

const run = promisify(execFile)

/** Runs a verb of a peer's program that measures itself; its last line is JSON. */
const measure = async (
  { endpoint, peers }: World,
  toolchain: Toolchain,
  args: readonly string[],
): Promise<unknown> => {
  const [file = '', ...fixed] = peers[toolchain] ?? []
  const all = [...fixed, ...args, '--server', endpoint]
  const { stdout } = await run(file, all, { maxBuffer: 1 << 26 })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

/** The milliseconds of each registration and deregistration through a library, one at a time. */
export const timePeerCalls = async (
  world: World,
  { toolchain, peer }: { readonly toolchain: Toolchain; readonly peer: string },
  { count, warmUp }: { readonly count: number; readonly warmUp: number },
): Promise<{ readonly register: readonly number[]; readonly deregister: readonly number[] }> => {
  const counts = ['--count', String(count), '--warm-up', String(warmUp)]
  const names = ['--service', world.namespace, '--namespace', world.namespace]
  return (await measure(world, toolchain, [peer, 'time', ...names, ...counts])) as {
    register: number[]
    deregister: number[]
  }
}

/** The milliseconds until a new watch of a library in Go has shown `count` instances. */
export const timeGoView = async (
  world: World,
  peer: string,
  { service, count }: { readonly service: string; readonly count: number },
): Promise<number> => {
  const args = [peer, 'time-view', '--service', service, '--count', String(count)]
  return ((await measure(world, 'go', args)) as { readonly view: number }).view
}
