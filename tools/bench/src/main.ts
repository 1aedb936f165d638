import { etcd, provideServers } from '@sd/test-servers'
import { compareBalancerCost } from './balancer-cost.ts'
import { type Comparison, describeComparison } from './compare.ts'
import { compareFormatCost } from './format-cost.ts'
import { compareGatewayCost } from './gateway-cost.ts'
import { compareGrpcCost } from './grpc-cost.ts'
import { compareHttpCost } from './http-cost.ts'
import { compareInstrumentationCost } from './instrumentation-cost.ts'
import { compareRegisterCost } from './register-cost.ts'
import { compareWatchCost } from './watch-cost.ts'

const help = `Usage: npm run bench [-- --core-only]

Compares pairs in one run, interleaved, and prints the ratio of their medians. Exits with 1 when a
ratio is over its limit. --core-only leaves out what needs a server.`

const run = async (): Promise<number> => {
  const given = process.argv.slice(2)
  if (given.includes('--help')) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const unknown = given.find((argument) => argument !== '--core-only')
  if (unknown !== undefined) {
    process.stderr.write(`unknown argument ${unknown}\n\n${help}\n`)
    return 2
  }
  const comparisons: Comparison[] = []
  const show = (comparison: Comparison): void => {
    comparisons.push(comparison)
    process.stdout.write(`${describeComparison(comparison)}\n`)
  }
  show(await compareWatchCost())
  show(await compareFormatCost())
  show(await compareInstrumentationCost())
  for await (const comparison of compareBalancerCost()) show(comparison)
  show(await compareGrpcCost())
  for await (const comparison of compareHttpCost()) show(comparison)
  for await (const comparison of compareGatewayCost()) show(comparison)
  if (!given.includes('--core-only')) {
    await using servers = await provideServers(etcd)
    show(await compareRegisterCost(servers.endpoints[0] ?? ''))
  }
  return comparisons.every(({ ratio, limit }) => ratio <= limit) ? 0 : 1
}

process.exitCode = await run()
