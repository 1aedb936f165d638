import type { SocketDriverOptions } from './socket-driver.ts'

/** A driver over a socket with one fault, and the ids of the cases that must fail on it. */
export interface WrongConnection {
  readonly name: string
  readonly caughtBy: readonly string[]
  readonly wrong: Omit<SocketDriverOptions, 'endpoint' | 'namespace'>
}

/** Drivers with faulty connections. */
export const wrongConnections: readonly WrongConnection[] = [
  {
    name: 'heartbeats share the connection of the writes',
    caughtBy: ['T20'],
    wrong: { over: { beats: 'writes' } },
  },
  {
    name: 'a connection is kept after a call on it timed out',
    caughtBy: ['T21'],
    wrong: { keepsAfterTimeout: true },
  },
  {
    name: 'a probe uses another connection than the watches',
    caughtBy: ['T22', 'T29'],
    wrong: { over: { probes: 'reads' } },
  },
  {
    name: 'a probe ends the idle watches of its driver',
    caughtBy: ['T29'],
    wrong: { probesAnew: true },
  },
  {
    name: 'a probe that is given up ends a watch that is being attached',
    caughtBy: ['T30'],
    wrong: { probesAttaching: true },
  },
  {
    name: 'an observation continues without the changes that it missed',
    caughtBy: ['T23'],
    wrong: { mendsSilently: true },
  },
  {
    name: 'the driver connects when it is created',
    caughtBy: ['T25'],
    wrong: { connectsEarly: true },
  },
  {
    name: "the client's own errors are causes",
    caughtBy: ['T26'],
    wrong: { clientErrorAsCause: true },
  },
]
