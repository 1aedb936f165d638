import { registerHooks } from 'node:module'
import * as vitest from 'vitest'

/** One test of a file, which can be run again and again. */
export interface CollectedTest {
  /** The file and the titles, joined by ` > `. */
  readonly name: string
  readonly file: string
  readonly run: () => unknown
}

type Body = (...args: readonly unknown[]) => unknown

const isBody = (value: unknown): value is Body => typeof value === 'function'

/** Vitest's `%s` and `$name` in the titles of `each`. */
const titleOf = (
  title: string,
  row: unknown,
  values: readonly unknown[],
  index: number,
): string => {
  let next = 0
  return title
    .replaceAll(/\$(\w+)/g, (whole, name: string) =>
      typeof row === 'object' && row !== null && name in row
        ? String((row as Record<string, unknown>)[name])
        : whole,
    )
    .replaceAll(/%[sdifjo#]/g, (sign) => {
      if (sign === '%#') return String(index)
      next += 1
      return String(values[next - 1])
    })
}

/**
 * The part of Vitest's interface that the tests of core use, which collects the tests instead of running
 * them. Running them outside Vitest costs a thousandth: a file is loaded once for all mutants. What is
 * not here fails as the file is loaded.
 */
const collected: CollectedTest[] = []
const titles: string[] = []
let currentFile = ''

const declare = (title: string, ...rest: readonly unknown[]): void => {
  const body = rest.find((value) => isBody(value))
  if (body === undefined) throw new Error(`${currentFile}: "${title}" has no body`)
  const name = [currentFile, ...titles, title].join(' > ')
  collected.push({ name, file: currentFile, run: () => body() })
}

const group = (title: string, body: () => void): void => {
  titles.push(title)
  body()
  titles.pop()
}

const each =
  <T>(one: (title: string, run: () => T) => void) =>
  (rows: readonly unknown[]) =>
  (title: string, ...rest: readonly unknown[]): void => {
    const body = rest.find((value) => isBody(value))
    for (const [index, row] of rows.entries()) {
      const values = Array.isArray(row) ? (row as readonly unknown[]) : [row]
      one(titleOf(title, row, values, index), () => body?.(...values) as T)
    }
  }

const test = Object.assign(declare, { each: each(declare) })
const describe = Object.assign(group, { each: each(group) })

/** Stands for the module `vitest` in the files of tests. */
export const collectingVitest: Readonly<Record<string, unknown>> = {
  expect: vitest.expect,
  vi: vitest.vi,
  test,
  it: test,
  describe,
}

/** Loads files of tests, in order, and returns their tests. */
export const collectTests = async (
  files: readonly string[],
  toUrl: (file: string) => string,
): Promise<readonly CollectedTest[]> => {
  const stand = new URL('./collecting-vitest.ts', import.meta.url).href
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'vitest' && context.parentURL?.includes('/test/') === true
        ? { url: stand, shortCircuit: true }
        : next(specifier, context),
  })
  for (const file of files) {
    currentFile = file
    await import(toUrl(file))
  }
  hooks.deregister()
  return collected
}
