import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A CPU profile of V8 (`Profiler.Profile` in the Chrome DevTools protocol), as far as it is read. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** The share of the busy time that was spent in a package or in a function itself. */
interface Share {
  readonly name: string
  readonly share: number
}

/** The CPU profiles of one side, read together. */
export interface ProfileReport {
  readonly busyMs: number
  readonly packages: readonly Share[]
  readonly functions: readonly Share[]
}

const root = fileURLToPath(new URL('../../../../', import.meta.url))

const pathOf = (url: string): string =>
  url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url

/** The package of a file: `@sd/core`, `@grpc/grpc-js`; Node's own modules are `node`. */
export const packageOf = (url: string, functionName: string): string => {
  if (functionName === '(garbage collector)') return 'garbage collection'
  if (url.startsWith('node:') || url === '') return 'node'
  const path = pathOf(url)
  const installed = /^.*node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(path)?.[1]
  if (installed !== undefined) return installed
  const own = /^packages\/([^/]+)/.exec(path)?.[1]
  return own === undefined ? 'the benchmark' : `@sd/${own}`
}

const placeOf = ({
  functionName,
  url,
  lineNumber,
}: CpuProfile['nodes'][number]['callFrame']): string => {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${pathOf(url)}:${lineNumber + 1}`
}

const idle = new Set(['(idle)', '(program)', '(root)'])

const sharesOf = (times: ReadonlyMap<string, number>, total: number): readonly Share[] =>
  [...times]
    .map(([name, time]) => ({ name, share: time / total }))
    .toSorted((a, b) => b.share - a.share)

/** Reads the profiles together: self time by package, and by function with its file and line. */
export const reportOf = (profiles: readonly CpuProfile[]): ProfileReport => {
  const packages = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  for (const { nodes, samples, timeDeltas } of profiles) {
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    for (const [index, id] of samples.entries()) {
      const frame = frames.get(id)
      const time = timeDeltas[index] ?? 0
      if (frame === undefined || idle.has(frame.functionName)) continue
      busy += time
      const owner = packageOf(frame.url, frame.functionName)
      packages.set(owner, (packages.get(owner) ?? 0) + time)
      const place = placeOf(frame)
      functions.set(place, (functions.get(place) ?? 0) + time)
    }
  }
  return {
    busyMs: busy / 1_000,
    packages: sharesOf(packages, busy),
    functions: sharesOf(functions, busy),
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`

/** Reads the profiles in a folder; returns lines for a terminal. */
export const describeProfiles = async (
  folder: string,
  most: number,
): Promise<readonly string[]> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const report = reportOf(texts.map((text) => JSON.parse(text) as CpuProfile))
  return [
    `${relative(root, folder)}: ${report.busyMs.toFixed(0)} ms busy in ${files.length} processes`,
    '  by package',
    ...report.packages.slice(0, 12).map(({ name, share }) => `  ${percent(share)}  ${name}`),
    '  by function',
    ...report.functions.slice(0, most).map(({ name, share }) => `  ${percent(share)}  ${name}`),
  ]
}
