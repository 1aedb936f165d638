import type { ContractHarness } from '../contract-harness.ts'
import type { TcpProxy } from './tcp-proxy.ts'

/** The hooks of a harness that disturb the link of `connect`. */
export type LinkFaults = Required<
  Pick<
    ContractHarness,
    'partition' | 'slow' | 'narrow' | 'cutAt' | 'silence' | 'hangWrites' | 'connectionCount'
  >
>

/** All of these hooks, for a harness whose `connect` goes through `proxy`. */
export const linkFaults = (proxy: TcpProxy): LinkFaults => {
  const healing = { [Symbol.asyncDispose]: async () => proxy.heal() }
  return {
    partition: async () => {
      proxy.partition(true)
      return healing
    },
    slow: async (delayMs) => {
      proxy.latency(delayMs)
      return healing
    },
    narrow: async (bytesPerSecond) => {
      proxy.narrow(bytesPerSecond)
      return healing
    },
    cutAt: async (bytes) => {
      const before = proxy.cuts
      proxy.cutAfter(bytes, 'always')
      return {
        ...healing,
        get cuts() {
          return proxy.cuts - before
        },
      }
    },
    silence: async () => {
      proxy.silence()
      return healing
    },
    hangWrites: async (bytes) => {
      proxy.hangAfter(bytes)
      return healing
    },
    connectionCount: () => proxy.accepted,
  }
}
