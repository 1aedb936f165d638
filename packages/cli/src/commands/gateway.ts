import { type Command, InvalidArgumentError, Option } from 'commander'
import { accessLogChoices } from '../gateway/gateway-settings.ts'
import type { GatewayCommandOptions } from '../gateway/run-gateway.ts'
import { collect } from '../option-values.ts'
import { readDuration } from '../output/duration.ts'
import { type Run, registryCommand } from './subcommand.ts'

const readWhole =
  (max: number) =>
  (text: string): number => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= max) return Number(text)
    throw new InvalidArgumentError(`Expected a whole number from 0 to ${max}.`)
  }

/** `sd gateway` */
export const gatewayCommand = (run: Run): Command =>
  registryCommand(
    'gateway',
    'Forward requests to services by name',
    `Listens for HTTP/1.1 and HTTP/2, and sends each request to an instance of the service that its
route names. It follows the registry, and forwards with the last known state while that is away.

A route is a path, a host or both: /orders=orders, api.example.com=orders,
api.example.com/orders=orders. --config takes a JSON file with "routes" and the other settings;
docs/gateway.md describes it. SIGHUP reads it again: routes and certificates change without a lost
request, and an invalid file changes nothing.

It answers /healthz, /readyz and /metrics itself, or on --admin-port. The access log goes to stdout,
messages go to stderr.

On SIGTERM and SIGINT it says on /readyz that it is going for the time of --announce, finishes the
requests under way for at most --drain, and ends with 0. A second signal ends it at once.`,
    [
      ['sd gateway --port 8080 --route /orders=orders', 'one route'],
      [
        'sd gateway --route /orders=orders --route api.example.com=api --strip-prefix',
        'two routes, by path and by host',
      ],
      ['sd gateway --config gateway.json --admin-port 9090', 'routes of a file'],
    ],
  )
    .option('--port <n>', 'the port to listen on (default: 8080)', readWhole(65_535))
    .option('--host <address>', 'the address to listen on (default: all)')
    .option('--route <route>', '[HOST][/PREFIX]=SERVICE; may be repeated', collect)
    .option('--strip-prefix', 'instances get paths without the prefix of --route')
    .option('--config <file>', 'a JSON file with routes and settings')
    .option('--tls-cert <file>', 'PEM certificate for clients; with --tls-key')
    .option('--tls-key <file>', 'its private key')
    .option('--admin-port <n>', 'a port for the probes and /metrics', readWhole(65_535))
    .option('--trusted-hops <n>', 'proxies in front to believe (default: 0)', readWhole(100))
    .addOption(
      new Option('--access-log <format>', 'default: combined, json with --json').choices(
        accessLogChoices,
      ),
    )
    .addOption(
      new Option('--announce <duration>', 'time from a signal until it drains')
        .argParser(readDuration)
        .default(0, '0s'),
    )
    .addOption(
      new Option('--drain <duration>', 'longest time for requests under way')
        .argParser(readDuration)
        .default(10_000, '10s'),
    )
    .action((options: GatewayCommandOptions) =>
      run(options, async (context) => {
        // no other command needs what it imports
        const { runGateway } = await import('../gateway/run-gateway.ts')
        return runGateway(context, options)
      }),
    )
