import type {
  Capabilities,
  DriverSession,
  Observation,
  RegistryDriver,
  Scope,
} from './registry-driver.ts'

/** The methods of a driver and of its sessions that resolve once. */
export type DriverCall =
  | Exclude<
      keyof RegistryDriver,
      | 'backend'
      | 'capabilities'
      | 'servers'
      | 'lastSeen'
      | 'carriers'
      | 'observe'
      | typeof Symbol.asyncDispose
    >
  | Exclude<keyof DriverSession, 'id' | 'grantedTtlMs' | 'lost' | 'onPartLost' | 'renewedMs'>

/** Intercepts a wrapped driver. Calls without a hook are forwarded unchanged. */
export interface DriverHooks {
  /** Replaces the backend's name in errors and diagnostics. */
  readonly backend?: string
  /** Replaces the named capabilities. */
  readonly capabilities?: Partial<Capabilities>
  /**
   * Intercepts every call of the driver and of its sessions. `next` makes the call with the given
   * signal. A hook may delay the call, fail before or after it, or skip it.
   */
  call?<T>(
    name: DriverCall,
    signal: AbortSignal,
    next: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>
  /** Intercepts every observation stream. `next` attaches with the given signal. */
  observe?(
    scope: Scope,
    signal: AbortSignal,
    next: (signal: AbortSignal) => AsyncIterable<Observation>,
  ): AsyncIterable<Observation>
}

/**
 * Wraps `driver` in `hooks` that delay, fail, count or trace its calls. Forwards every method,
 * including those of its sessions; `lastSeen`, `edit`, `diagnose`, `removeStrays`, `onPartLost` and
 * `renewedMs` exist if `driver` has them. Modelled on the layers of Apache OpenDAL, which wrap an accessor in the same way.
 */
export const wrapDriver = (driver: RegistryDriver, hooks: DriverHooks): RegistryDriver => {
  const call = <T>(
    name: DriverCall,
    signal: AbortSignal,
    next: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => (hooks.call === undefined ? next(signal) : hooks.call(name, signal, next))
  const lastSeen = driver.lastSeen?.bind(driver)
  const edit = driver.edit?.bind(driver)
  const diagnose = driver.diagnose?.bind(driver)
  return {
    backend: hooks.backend ?? driver.backend,
    capabilities: { ...driver.capabilities, ...hooks.capabilities },
    ...(driver.servers === undefined ? {} : { servers: driver.servers }),
    ...(lastSeen === undefined ? {} : { lastSeen }),
    ...(driver.carriers === undefined ? {} : { carriers: driver.carriers }),
    openSession: async (options, signal) =>
      wrapSession(
        await call('openSession', signal, (under) => driver.openSession(options, under)),
        call,
      ),
    list: (scope, signal, progress) =>
      call('list', signal, (under) => driver.list(scope, under, progress)),
    observe: (scope, cursor, signal, progress) => {
      const next = (under: AbortSignal): AsyncIterable<Observation> =>
        driver.observe(scope, cursor, under, progress)
      return hooks.observe === undefined ? next(signal) : hooks.observe(scope, signal, next)
    },
    probe: (signal) => call('probe', signal, (under) => driver.probe(under)),
    ...(edit === undefined
      ? {}
      : {
          edit: (record, instance, signal) =>
            call('edit', signal, (under) => edit(record, instance, under)),
        }),
    ...(diagnose === undefined
      ? {}
      : {
          diagnose: (signal) => call('diagnose', signal, (under) => diagnose(under)),
        }),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  }
}

/** Wraps one session as `wrapDriver` does. */
export const wrapSession = (
  session: DriverSession,
  call: NonNullable<DriverHooks['call']>,
): DriverSession => {
  const removeStrays = session.removeStrays?.bind(session)
  const onPartLost = session.onPartLost?.bind(session)
  const renewedMs = session.renewedMs?.bind(session)
  return {
    id: session.id,
    grantedTtlMs: session.grantedTtlMs,
    lost: session.lost,
    ...(onPartLost === undefined ? {} : { onPartLost }),
    ...(renewedMs === undefined ? {} : { renewedMs }),
    renew: (signal) => call('renew', signal, (under) => session.renew(under)),
    put: (requests, signal) => call('put', signal, (under) => session.put(requests, under)),
    remove: (refs, signal) => call('remove', signal, (under) => session.remove(refs, under)),
    audit: (refs, signal) => call('audit', signal, (under) => session.audit(refs, under)),
    ...(removeStrays === undefined
      ? {}
      : {
          removeStrays: (signal) => call('removeStrays', signal, (under) => removeStrays(under)),
        }),
    close: (signal) => call('close', signal, (under) => session.close(under)),
  }
}
