import type { TcpProxy } from '@sd/contract-tests/servers'
import type { FaultName } from '../schedule/round.ts'
import type { LinkFault } from './chaos-backend.ts'

/** The faults that a proxy can cause. */
export const linkFaultNames: readonly FaultName[] = [
  'reset',
  'partition',
  'one-way',
  'slow',
  'stall',
  'flaky',
  'hang-writes',
]

/** Begins a fault on every connection of a proxy; `proxy.heal()` ends it. */
export const disturbLink = (proxy: TcpProxy, fault: LinkFault): void => {
  switch (fault.kind) {
    case 'reset':
      proxy.reset()
      return
    case 'partition':
      proxy.partition(true)
      return
    case 'one-way':
      proxy.partition(true, fault.from)
      return
    case 'slow':
      proxy.latency(fault.delayMs)
      return
    case 'stall':
      proxy.silence()
      return
    case 'flaky':
      proxy.cutAfter(fault.bytes, 'always')
      return
    case 'hang-writes':
      proxy.hangAfter(fault.bytes)
  }
}
