/** A port that a server listens on, in the terms of an endpoint. */
export interface ListeningPort {
  /** Scheme of the endpoint, without a colon: `http`, `https`, `grpc`. */
  readonly scheme: string
  readonly port: number
  /** The host that it is bound to; `undefined` for all interfaces. */
  readonly host?: string | undefined
}

/**
 * A server that `runService` starts and stops. `httpServer`, `fastifyServer`, `nestServer` and
 * `grpcServer` make one. Implement these three methods for any other server.
 */
export interface ServiceServer {
  /** Starts listening; resolves when the server accepts connections. */
  listen(signal: AbortSignal): Promise<readonly ListeningPort[]>
  /**
   * Stops accepting work and resolves when the work in progress is done. When `signal` aborts, it
   * aborts the remaining work.
   */
  drain(signal: AbortSignal): Promise<void>
  /** Closes at once. Called on a forced exit and after each stop, even after a failed start. */
  destroy(): void
}
