import type { INestApplication } from '@nestjs/common'
import type { RunningService } from '@sd/lifecycle'
import { ServiceLifecycle } from './service-lifecycle.ts'

/**
 * Listens and registers the instance of `ServiceDiscoveryModule`. On SIGTERM or SIGINT it runs the
 * phases of `runService`: deregister, keep serving, drain, close the application (which runs Nest's
 * shutdown hooks) and the registry, exit. `app.close()` runs the same phases. Resolves to
 * `undefined` if the module has no `instance`: then the application only listens.
 *
 * `port` is 0 by default, any free port; `host` defaults to all interfaces.
 *
 * @throws what `app.listen` throws; what registering throws, after it has closed the application
 */
export const runNest = async (
  app: INestApplication,
  port = 0,
  host?: string,
): Promise<RunningService | undefined> => {
  const lifecycle = app.get(ServiceLifecycle)
  lifecycle.own(() => app.close())
  await (host === undefined ? app.listen(port) : app.listen(port, host))
  return lifecycle.start()
}
