import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runCommand, until } from '@sd/test-servers'
import { expect, test } from 'vitest'
import { FigureScenario } from '../test/figure-scenario.ts'
import { findPrometheus, Prometheus } from './prometheus.ts'

const docs = new URL('../../../docs/', import.meta.url)
const rules = fileURLToPath(new URL('prometheus-alerts.yml', docs))
const cases = fileURLToPath(new URL('prometheus-alerts.promtool.yml', import.meta.url))
const dashboard = JSON.parse(await readFile(new URL('grafana-dashboard.json', docs), 'utf8')) as {
  readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[]
}

/** The dashboard's expressions, with what Grafana puts in for its variables. */
const expressions = dashboard.panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr.replaceAll('$job', '.*').replaceAll('$__rate_interval', '15s')),
)

const programs = await findPrometheus()
const missing =
  typeof programs === 'string' ? ` (needs Prometheus: apt-get install prometheus; ${programs})` : ''
const { prometheus, promtool } =
  typeof programs === 'string' ? { prometheus: '', promtool: '' } : programs

test.skipIf(missing !== '')(
  `each alert fires when it should, and only then${missing}`,
  async () => {
    await runCommand(promtool, ['check', 'rules', rules])
    await runCommand(promtool, ['test', 'rules', cases])
    // no alert is without a case
    const names = [...(await readFile(rules, 'utf8')).matchAll(/- alert: (\w+)/g)].map(
      ([, it]) => it,
    )
    const tried = [...(await readFile(cases, 'utf8')).matchAll(/alertname: (\w+)/g)].map(
      ([, it]) => it,
    )
    expect(new Set(tried)).toEqual(new Set(names))
  },
)

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly name: string
      readonly health: string
      readonly state: string
    }[]
  }[]
}

test.skipIf(missing !== '')(
  `Prometheus evaluates the dashboard and the alerts on a gateway's figures${missing}`,
  { timeout: 120_000 },
  async () => {
    await using scenario = await FigureScenario.start()
    await scenario.provoke()
    await using server = await Prometheus.start(prometheus, scenario.port, rules)
    const loaded = async () =>
      (await server.ask<Rules>('rules')).groups.flatMap((group) => group.rules)
    expect((await loaded()).length).toBeGreaterThan(8)

    let empty = expressions
    await until(
      'every expression of the dashboard has a number',
      async () => {
        await scenario.call()
        const left: string[] = []
        for (const expression of empty) {
          const samples = await server.query(expression)
          if (!samples.some(({ value }) => Number.isFinite(Number(value[1])))) left.push(expression)
        }
        empty = left
        return empty.length === 0
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`no figures for:\n${empty.join('\n')}`, { cause: error })
    })

    // those whose situation exists; the others are evaluated as well
    const active = [
      'GatewayFailsRequests',
      'RecordsSkipped',
      'RegistrationMissing',
      'RequestsFindNoInstance',
      'ServiceWithoutInstances',
    ]
    await until(
      'the alerts are pending or firing',
      async () => {
        await scenario.call()
        const all = await loaded()
        const now = all.filter(({ state }) => state !== 'inactive').map(({ name }) => name)
        return (
          all.every(({ health }) => health === 'ok') && active.every((name) => now.includes(name))
        )
      },
      60_000,
    )
    const now = (await loaded()).filter(({ state }) => state !== 'inactive')
    expect(now.map(({ name }) => name).toSorted()).toEqual(active)
  },
)
