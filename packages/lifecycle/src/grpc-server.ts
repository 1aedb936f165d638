import type { ServiceServer } from './service-server.ts'

/** The part of a `Server` of `@grpc/grpc-js` in use. `Credentials` are server credentials. */
export interface GrpcServer<Credentials> {
  bindAsync(
    address: string,
    credentials: Credentials,
    callback: (error: Error | null, port: number) => void,
  ): void
  tryShutdown(callback: (error?: Error) => void): void
  forceShutdown(): void
}

/** How a gRPC server listens. */
export interface GrpcListenOptions<Credentials> {
  /** `host:port`; port 0 takes any free one. Default `0.0.0.0:0`. */
  readonly address?: string | undefined
  readonly credentials: Credentials
  /** Scheme of the endpoint: `grpc` (default), or `grpcs` with TLS credentials. */
  readonly scheme?: 'grpc' | 'grpcs' | undefined
}

/**
 * A server of `@grpc/grpc-js`. Draining sends GOAWAY and waits for calls and streams
 * (`tryShutdown`). That wait has no limit of its own: at the deadline they are aborted.
 */
export const grpcServer = <Credentials>(
  server: GrpcServer<Credentials>,
  { address = '0.0.0.0:0', credentials, scheme = 'grpc' }: GrpcListenOptions<Credentials>,
): ServiceServer => ({
  listen: () =>
    new Promise((resolve, reject) => {
      server.bindAsync(address, credentials, (error, port) => {
        if (error) return reject(error)
        const host = address.slice(0, address.lastIndexOf(':'))
        const bound = ['0.0.0.0', '[::]', ''].includes(host) ? undefined : host
        resolve([{ scheme, port, host: bound }])
      })
    }),
  drain: (signal) =>
    new Promise((resolve, reject) => {
      const cut = (): void => server.forceShutdown()
      signal.addEventListener('abort', cut, { once: true })
      server.tryShutdown((error) => {
        signal.removeEventListener('abort', cut)
        if (error) reject(error)
        else resolve()
      })
      if (signal.aborted) cut()
    }),
  destroy: () => server.forceShutdown(),
})
