import { readFile } from 'node:fs/promises'
import type { Meter, MeterProvider } from '@opentelemetry/api'
import { MeterProvider as SdkMeterProvider } from '@opentelemetry/sdk-metrics'
import { createRegistry } from '@sd/registry'
import { expect, test } from 'vitest'
import { instrument } from '../src/index.ts'

const docs = new URL('../../../docs/', import.meta.url)
const operations = await readFile(new URL('operations.md', docs), 'utf8')
const alerts = await readFile(new URL('prometheus-alerts.yml', docs), 'utf8')
const dashboard = JSON.parse(await readFile(new URL('grafana-dashboard.json', docs), 'utf8')) as {
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}

/** Every metric that `instrument` creates, with its kind. */
const createdMetrics = async (): Promise<ReadonlyMap<string, string>> => {
  const created = new Map<string, string>()
  const sdk = new SdkMeterProvider()
  const recording = (meter: Meter): Meter =>
    new Proxy(meter, {
      get: (target, property) => {
        const method: unknown = Reflect.get(target, property)
        if (typeof method !== 'function') return method
        return (...given: unknown[]): unknown => {
          const kind = /^create(?:Observable)?(\w+)$/.exec(String(property))?.[1]
          if (kind !== undefined) created.set(String(given[0]), kind)
          return Reflect.apply(method, target, given)
        }
      },
    })
  const meterProvider: MeterProvider = { getMeter: (...given) => recording(sdk.getMeter(...given)) }
  await using registry = await createRegistry('memory:otel-documents')
  instrument(registry, { meterProvider }).stop()
  await sdk.shutdown()
  return created
}

const metrics = await createdMetrics()

/** The rows of the tables of figures: name, kind and attributes. */
const documented = [
  ...operations.matchAll(
    /^\| `(?<name>(?:sd|http|rpc)[\w.]+)`\s*\| (?<kind>\w+)\s*\|(?<attributes>[^|]*)\|/gm,
  ),
].map(({ groups }) => groups ?? {})

/** The names that Prometheus has for a metric. */
const prometheusNames = (name: string, kind: string): readonly string[] => {
  const base = name.replaceAll('.', '_')
  if (kind === 'Counter') return [`${base}_total`]
  const bases =
    name.endsWith('.duration') || name.endsWith('.age') ? [base, `${base}_seconds`] : [base]
  if (kind !== 'Histogram') return bases
  return bases.flatMap((given) => [`${given}_bucket`, `${given}_sum`, `${given}_count`])
}

const expressions = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...[...alerts.matchAll(/^\s+expr: (.*)$/gm)].map(([, expr = '']) => expr),
]

test('the tables have every metric, and no other', () => {
  expect(new Map(documented.map(({ name, kind }) => [name, kind]))).toEqual(metrics)
})

test('the expressions of the dashboard and of the alerts name metrics that exist', () => {
  const known = new Set([...metrics].flatMap(([name, kind]) => prometheusNames(name, kind)))
  expect(expressions.length).toBeGreaterThan(30)
  for (const expr of expressions) {
    const patterns = [...expr.matchAll(/__name__=~"([^"]*)"/g)].map(([, pattern = '']) => pattern)
    for (const pattern of patterns) {
      const matching = [...known].filter((name) => new RegExp(`^(?:${pattern})$`).test(name))
      // each with and without the unit
      const bases = new Set(matching.map((name) => name.replace('_seconds', '')))
      expect(bases.size, pattern).toBeGreaterThan(0)
      expect(matching, pattern).toHaveLength(2 * bases.size)
    }
    const withoutLabels = expr
      .replaceAll(/\{[^}]*\}/g, ' ')
      .replaceAll(/\b(?:by|on|without) \([^)]*\)/g, ' ')
    const names = withoutLabels.match(/\b(?:sd|http|rpc)_\w+/g) ?? []
    expect(names.length + patterns.length, expr).toBeGreaterThan(0)
    for (const name of names) expect(known, expr).toContain(name)
  }
})

test('the expressions use attributes that the tables name', () => {
  const attributes = documented.flatMap(({ attributes: cell = '' }) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name.replaceAll('.', '_')),
  )
  const known = new Set([...attributes, 'sd_backend', 'job', 'instance', 'le', '__name__'])
  for (const expr of expressions) {
    const matchers = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside = '']) =>
      [...inside.matchAll(/(\w+)(?:=~|!=|=)"/g)].map(([, label = '']) => label),
    )
    const groups = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, inside = '']) =>
      inside.split(', '),
    )
    for (const label of [...matchers, ...groups]) expect(known, expr).toContain(label)
  }
})

test('the table of alerts has every alert, with its severity', () => {
  const rules = [...alerts.matchAll(/- alert: (\w+)\n(?:.*\n)*?.*severity: (\w+)/g)]
  const rows = [...operations.matchAll(/^\| `([A-Z]\w+)`\s*\| (page|ticket)\s*\|/gm)]
  const pairs = (found: readonly RegExpExecArray[]): readonly string[] =>
    found.map(([, name, severity]) => `${name}: ${severity}`)
  expect(rules.length).toBeGreaterThan(8)
  expect(pairs(rows)).toEqual(pairs(rules))
})

/** Every name that looks like one of a metric, an attribute or a Prometheus series. */
const named = [...operations.matchAll(/`((?:sd|http|rpc)[._][a-z._]+)`/g)].map(
  ([, name = '']) => name,
)

test('operations.md names only metrics and attributes that exist', () => {
  const attributes = documented.flatMap(({ attributes: cell = '' }) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name),
  )
  const series = [...metrics].flatMap(([name, kind]) => prometheusNames(name, kind))
  // in the text about names; attributes of spans; a name of former conventions
  const others = ['sd.backend', 'sd.instance.id', 'rpc.system']
  const known = new Set([...metrics.keys(), ...attributes, ...series, ...others])
  for (const name of named) expect(known).toContain(name)
})

test('the panels of the dashboard have numbers and titles of their own', () => {
  const ids = dashboard.panels.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { title } of dashboard.panels) expect(title).not.toBe('')
})
