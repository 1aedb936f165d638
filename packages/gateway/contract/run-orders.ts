import { runService, type RunServiceOptions } from '@sd/lifecycle'
import { createRegistry } from '@sd/registry'

/**
 * Runs the process of an instance of `orders` that leaves in order on SIGTERM. The process has the
 * registry's URL and an id as arguments, and prints `registered`.
 */
export const runOrders = async (
  options: Pick<RunServiceOptions, 'listen' | 'onDrain'>,
): Promise<void> => {
  const [url, id = ''] = process.argv.slice(2)
  const service = await runService({
    registry: await createRegistry(url),
    instance: { service: 'orders', id },
    // this machine may be busy, and a removal that comes late would fail the restart
    deregisterTimeoutMs: 10_000,
    ...options,
  })
  for await (const { state } of service.registration.statuses()) if (state === 'registered') break
  console.log('registered')
}
