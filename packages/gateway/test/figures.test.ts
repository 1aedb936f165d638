import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { FigureScenario } from './figure-scenario.ts'

vi.setConfig({ testTimeout: 60_000 })

const docs = new URL('../../../docs/', import.meta.url)
const operations = await readFile(new URL('operations.md', docs), 'utf8')

/** The name in Prometheus, without the suffix of a counter or histogram. */
const underscored = (name: string): string => name.replaceAll('.', '_')

/** What the tables of docs/operations.md say: by metric, its attributes. */
const documented = new Map(
  [
    ...operations.matchAll(
      /^\| `(?<name>(?:sd|http|rpc)[\w.]+)`\s*\| (?<kind>\w+)\s*\|(?<attributes>[^|]*)\|/gm,
    ),
  ].map(({ groups: { name = '', attributes = '' } = {} }) => [
    underscored(name),
    [...attributes.matchAll(/`([\w.]+)`/g)].map(([, attribute = '']) => underscored(attribute)),
  ]),
)

/** Of all figures, or of those of a registry: not in the tables. */
const common = new Set(['sd_backend', 'otel_scope_name', 'otel_scope_version', 'le'])

/** What `/metrics` shows: by metric, the labels of all its series. */
const shownIn = (text: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const shown = new Map<string, Set<string>>()
  for (const [, name = '', inside = ''] of text.matchAll(/^(\w+)\{(.*)\} \S+$/gm)) {
    const metric = name.replace(/_(total|bucket|sum|count)$/, '')
    if (metric === 'target_info') continue
    const labels = shown.get(metric) ?? new Set()
    shown.set(metric, labels)
    for (const [, label = ''] of inside.matchAll(/(\w+)="/g))
      if (!common.has(label)) labels.add(label)
  }
  return shown
}

test('/metrics shows the metrics of docs/operations.md, with the attributes that it names', async () => {
  await using scenario = await FigureScenario.start()
  await scenario.provoke()
  const sorted = (of: Iterable<readonly [string, Iterable<string>]>) =>
    Object.fromEntries([...of].map(([name, labels]) => [name, [...labels].toSorted()]))
  // a request is counted when its response has been sent
  await vi.waitFor(
    async () => expect(sorted(shownIn(await scenario.metrics()))).toEqual(sorted(documented)),
    { timeout: 10_000, interval: 200 },
  )
})
