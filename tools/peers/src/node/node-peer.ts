import type { PeerInstance } from '../peer-instance.ts'

/** The options of the command line. */
export interface NodePeerOptions {
  /** `host:port`. */
  readonly server: string
  readonly namespace: string
  readonly ttlSeconds: number
}

/**
 * A program that uses one client library directly, as users without a discovery layer write it: one
 * JSON document for each instance, without any comparison.
 */
export interface NodePeer {
  /** Registers an instance, or updates it. */
  register(instance: PeerInstance): Promise<void>
  deregister(instance: PeerInstance): Promise<void>
  watch(
    service: string,
    shown: (view: readonly PeerInstance[]) => void,
    failed: (error: unknown) => void,
  ): Promise<void>
}
