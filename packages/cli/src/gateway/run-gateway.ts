import { type AccessLogOptions, Gateway, prometheusMetrics } from '@sd/gateway'
import { RegistryError } from '@sd/registry'
import type { CommandContext, CommonOptions } from '../command-context.ts'
import { CommandError, exitCode, exitCodeOfSignal, UsageError } from '../exit-code.ts'
import { counted } from '../output/counted.ts'
import {
  changedFixed,
  type GatewayFlags,
  type GatewaySettings,
  readGatewaySettings,
} from './gateway-settings.ts'

/** The options of `sd gateway`. */
export interface GatewayCommandOptions extends CommonOptions, GatewayFlags {
  readonly config?: string
  readonly announce: number
  readonly drain: number
}

const listening = async (what: string, port: Promise<number>): Promise<number> => {
  try {
    return await port
  } catch (error) {
    throw new CommandError(`${what} cannot be opened: ${(error as Error).message}`)
  }
}

/** Runs `make`; what it refuses of the settings names the file and the options that they are from. */
const withSources = <T>({ config, route, tlsCert }: GatewayCommandOptions, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (config === undefined || !(error instanceof RegistryError)) throw error
    const routes = route === undefined ? [] : ['--route']
    const tls = tlsCert === undefined ? [] : ['--tls-cert']
    throw new UsageError(`${[config, ...routes, ...tls].join(' and ')}: ${error.message}`)
  }
}

/** Applies a file that has changed; an invalid one changes nothing. */
const reload = async (
  gateway: Gateway,
  before: GatewaySettings,
  options: GatewayCommandOptions,
  note: (text: string) => void,
): Promise<GatewaySettings> => {
  if (options.config === undefined) {
    note('sd: SIGHUP reloads the file of --config, and there is none')
    return before
  }
  try {
    const settings = await readGatewaySettings(options, options.config)
    if (settings.tls !== undefined) gateway.renewTls(settings.tls)
    try {
      gateway.reload(settings.routes)
    } catch (error) {
      if (before.tls !== undefined) gateway.renewTls(before.tls)
      throw error
    }
    const fixed = changedFixed(before, settings)
    const restart = fixed.length === 0 ? '' : `; a restart is needed for ${fixed.join(', ')}`
    note(`sd: reloaded ${options.config}: ${counted(settings.routes.length, 'route')}${restart}`)
    return { ...before, routes: settings.routes, tls: settings.tls ?? before.tls }
  } catch (error) {
    note(`sd: ${options.config} is not used, the routes stay: ${(error as Error).message}`)
    return before
  }
}

/** Runs a gateway until it is told to stop; returns the exit code. */
export const runGateway = async (
  { open, output, interruption, signal }: CommandContext,
  options: GatewayCommandOptions,
): Promise<number> => {
  const settings = await readGatewaySettings(options, options.config)
  const { host, adminPort, trustedHops, timeouts, tls } = settings
  const format = settings.accessLog ?? (output.json ? 'json' : 'combined')
  const accessLog: AccessLogOptions | undefined =
    format === 'none' ? undefined : { format, write: (lines) => void output.stdout.write(lines) }
  const registry = await open()
  const metrics = prometheusMetrics(registry)
  const make = (): Gateway =>
    new Gateway({
      discovery: registry,
      routes: settings.routes,
      trustedHops,
      timeouts,
      tls,
      accessLog,
      metrics,
      adminApart: adminPort !== undefined,
    })
  const gateway = withSources(options, make)
  try {
    const port = await listening(
      `port ${settings.port}`,
      gateway.listen({ port: settings.port, host }),
    )
    if (adminPort !== undefined)
      await listening(`port ${adminPort}`, gateway.listenAdmin({ port: adminPort, host }))
    // the gateway handles signals from here on; an earlier one would be lost
    signal.throwIfAborted()
    const stopped = Promise.withResolvers<number>()
    let stopping = false
    let present = Promise.resolve(settings)
    interruption.handOver((name) => {
      if (name === 'SIGHUP') {
        // one after another: a file that was read earlier must not replace a later one
        present = present.then((before) => reload(gateway, before, options, output.note))
        return
      }
      if (stopping) process.exit(exitCodeOfSignal(name))
      stopping = true
      output.note(`sd: ${gateway.requests} requests are under way, the gateway is draining`)
      void gateway
        .stop({ announceMs: options.announce, drainMs: options.drain })
        .then(() => stopped.resolve(exitCode.ok), stopped.reject)
    })
    const scheme = tls === undefined ? 'http' : 'https'
    output.note(
      `sd: listening on ${scheme}://${host ?? '0.0.0.0'}:${port}, ${counted(settings.routes.length, 'route')}`,
    )
    return await stopped.promise
  } finally {
    await gateway.destroy()
    await metrics.stop()
  }
}
