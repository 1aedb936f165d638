import { readdir } from 'node:fs/promises'
import type { Benchmark } from './benchmark.ts'

const folder = new URL('../benchmarks/', import.meta.url)

/** Every benchmark by name: the files of `benchmarks/`, each of which exports one as `benchmark`. */
export const declaredBenchmarks = async (): Promise<ReadonlyMap<string, Benchmark>> => {
  const names = (await readdir(folder)).map((file) => file.replace(/\.ts$/, '')).toSorted()
  const found = new Map<string, Benchmark>()
  for (const name of names) {
    const module = (await import(new URL(`${name}.ts`, folder).href)) as { benchmark: Benchmark }
    found.set(name, module.benchmark)
  }
  return found
}
