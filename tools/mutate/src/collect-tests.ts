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

const collected: CollectedTest[] = []
const titles: string[] = []
/** What runs around each test, for each enclosing group. */
let around: { readonly before: readonly Body[]; readonly after: readonly Body[] } = {
  before: [],
  after: [],
}
let currentFile = ''

const declare = (title: string, ...rest: readonly unknown[]): void => {
  const body = rest.find((value) => isBody(value))
  if (body === undefined) throw new Error(`${currentFile}: "${title}" has no body`)
  const fullTitle = [currentFile, ...titles, title].join(' > ')
  const same = collected.filter(({ name: other }) => other.replace(/ \(\d+\)$/, '') === fullTitle)
  // rows of a table may have one title
  const name = same.length === 0 ? fullTitle : `${fullTitle} (${same.length + 1})`
  const declaredIn = around
  const run = async (): Promise<void> => {
    const { before, after } = declaredIn
    for (const each of before) await each()
    try {
      await body()
    } finally {
      for (const each of after) await each()
    }
  }
  collected.push({ name, file: currentFile, run })
}

const group = (title: string, body: () => void): void => {
  const outer = around
  titles.push(title)
  body()
  titles.pop()
  around = outer
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

/**
 * The part of Vitest's interface that the tests of core use, which collects the tests instead of running
 * them. Running them outside Vitest costs a thousandth: a file is loaded once for all mutants. What is
 * not here fails as the file is loaded.
 */
export const collectingVitest: Readonly<Record<string, unknown>> = {
  expect: vitest.expect,
  vi: vitest.vi,
  test,
  it: test,
  describe,
  // for the tests that are declared after it, which in this repository are all of its group
  beforeEach: (body: Body): void => {
    around = { ...around, before: [...around.before, body] }
  },
  afterEach: (body: Body): void => {
    around = { ...around, after: [body, ...around.after] }
  },
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
    around = { before: [], after: [] }
    await import(toUrl(file))
  }
  hooks.deregister()
  return collected
}
