import { createRegistry, RegistryError } from '@sd/registry'
import { Shop } from './shop.ts'
import { Traffic } from './traffic.ts'

const help = `Usage: npm run shop [-- --restart] [-- --port N]

Starts a shop: a gateway on port 8080, and behind it two instances of each of three services, each a process.
  orders   HTTP, in Node.js; asks prices
  prices   gRPC, in Node.js; also through the gateway, as /shop.Prices/PriceOf
  pages    python3 -m http.server, registered by \`sd register\`
They use the embedded registry of this machine, or the one that SD_URL names. Ctrl-C ends them all.

--restart  replaces every instance while requests go through the gateway, reports how they went, and
           ends: with 1 if a request failed.
--port N   another port for the gateway.`

const fail = (message: string): number => {
  process.stderr.write(`${message}\n`)
  return 1
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const rollingRestart = async (shop: Shop): Promise<number> => {
  const traffic = new Traffic(shop.url)
  try {
    await shop.restart(({ name, pid }) =>
      say(`replaced process ${pid} of ${name}; ${traffic.answered} requests answered`),
    )
  } finally {
    // also when the shop was closed meanwhile
    await traffic.stop()
  }
  const { answered, failed } = traffic
  say(`${answered} requests answered, ${failed.length} failed`)
  return failed.length === 0 ? 0 : fail(failed.slice(0, 5).join('\n'))
}

const afterInterruption = async (end: Promise<void>): Promise<number> => {
  await end
  return fail('interrupted')
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })

const run = async (given: readonly string[]): Promise<number> => {
  if (given.includes('--help')) {
    say(help)
    return 0
  }
  const [restart, portAt] = [given.includes('--restart'), given.indexOf('--port')]
  const port = portAt < 0 ? 8080 : Number(given[portAt + 1])
  const known = Number(restart) + (portAt < 0 ? 0 : 2)
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || given.length !== known)
    return fail(`unknown or incomplete arguments: ${given.join(' ')}\n\n${help}`)
  const end = interrupted()
  await using registry = await createRegistry()
  if (registry.backend === 'memory')
    return fail(
      'memory: is within one process, and the shop has several; set SD_URL to another registry',
    )
  await using shop = await Shop.open(registry, port)
  const processes = Object.entries(shop.processes).map(
    ([name, pids]) => `  ${name.padEnd(8)} ${pids.join(', ')}`,
  )
  say(`The shop is open, on ${registry.backend}. Its processes:
${processes.join('\n')}
In another terminal:
  curl ${shop.url}/orders/pen      from orders, which asks prices over gRPC; shows who answered
  curl ${shop.url}/                from Python
  curl ${shop.url}/metrics         what the gateway has counted, for Prometheus
  npx sd watch orders                        the instances of orders (after npm run build)`)
  if (restart) return await Promise.race([rollingRestart(shop), afterInterruption(end)])
  say('Ctrl-C closes it.')
  await end
  return 0
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.exitCode = fail(error instanceof RegistryError ? error.message : String(error))
}
