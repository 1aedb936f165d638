import type { DriverFactory } from '@sd/core/driver'
import type { InstanceInput } from '@sd/core'

/** Stops and starts the real server, always on the same address. */
export interface ServerControl {
  /** `term`: asked to end; `kill`: SIGKILL. Data is kept. */
  stop(how: 'term' | 'kill'): Promise<void>
  /** Resolves when the server answers again. */
  start(): Promise<void>
  /** Of a stopped server: it starts empty. */
  wipe(): Promise<void>
  /** Frozen: connections stay open and nothing answers (SIGSTOP). */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** A process that registered an instance and holds it. */
export interface OwnerProcess {
  /** SIGKILL: it can say nothing any more. */
  kill(): Promise<void>
}

/** A server that has to be connected to with TLS or credentials. */
export interface SecureConnection {
  readonly connect: (namespace: string) => DriverFactory
  readonly server: Pick<ServerControl, 'stop' | 'start'>
  /** What is used to connect: none of it may appear in an error, a log line or an inspection. */
  readonly secrets: readonly string[]
  /** Connects with credentials that the server refuses, where it asks for a password or a token. */
  readonly refused?: {
    readonly connect: (namespace: string) => DriverFactory
    /** The refused password or token. */
    readonly secrets: readonly string[]
  }
}

/** A fault that lasts until it is disposed of. */
export type Fault = AsyncDisposable

/** A link that is cut. */
export interface CutLink extends Fault {
  /** How many connections it has cut so far. */
  readonly cuts: number
}

/** What the backend held at one moment. */
export interface Backup {
  /** The backend holds that again, and serves on the same address; resolves when it answers. */
  restore(): Promise<void>
}

/**
 * What the suite needs of a backend. Only `connect` is required; what is left out skips the cases
 * that need it, each by name. A backend without a server maps the faults to its own.
 */
export interface ContractHarness extends AsyncDisposable {
  /** A driver on that namespace, over the link that `partition`, `slow` and `cutAt` spoil. */
  readonly connect: (namespace: string) => DriverFactory
  /** A driver whose link is never spoilt. */
  connectDirect?(namespace: string): DriverFactory
  /**
   * Where `connect` makes calls fail at random, which core hides: a driver over the same link whose
   * calls do not, for the cases that call a driver directly. Left out, they use `connect`.
   */
  connectSteady?(namespace: string): DriverFactory
  readonly server?: ServerControl
  /** Cuts the link: what is sent vanishes, connections stay open. Healed when disposed of. */
  partition?(): Promise<Fault>
  /** Delays every message by `delayMs`, each way. */
  slow?(delayMs: number): Promise<Fault>
  /** Cuts each connection after that many bytes from the server. */
  cutAt?(bytes: number): Promise<CutLink>
  /**
   * Every connection that is open now goes silent, both ways, and stays open until the fault is
   * disposed of, which resets it; connections that are opened later pass.
   */
  silence?(): Promise<Fault>
  /**
   * A connection over which a client sends more than so many bytes from now on goes silent, until
   * the fault is disposed of, which resets it; the others pass. A backend without connections holds
   * back what writes instances.
   */
  hangWrites?(bytes: number): Promise<Fault>
  /** How many connections drivers of `connect` have opened so far. */
  connectionCount?(): number
  /** Ends that session, which registered in `namespace`, in the backend, out of band. */
  expireSession?(sessionId: string, namespace: string): Promise<void>
  /** Makes the backend forget the history that old cursors of `namespace` point into. */
  loseHistory?(namespace: string): Promise<void>
  /** Keeps what the backend holds now, as an operator's backup would. */
  backUp?(): Promise<Backup>
  /** Deletes one record, out of band, so that watchers see it go. */
  deleteRecord?(namespace: string, service: string, id: string): Promise<void>
  /** Overwrites one record with these bytes, out of band, tied to no session; watchers see it. */
  writeRaw?(namespace: string, service: string, id: string, value: Uint8Array): Promise<void>
  /** Another process registers that instance and holds it; resolves once it is registered. */
  startOwner?(namespace: string, instance: InstanceInput, ttlMs: number): Promise<OwnerProcess>
  /** Ways to connect securely (TLS, authentication), by name; each must serve like the plain one. */
  readonly secure?: Readonly<Record<string, SecureConnection>>
  /**
   * Makes a driver that asks for TLS. Where `capabilities.tls` is false it must throw
   * `invalid-config`: never a plain connection in its place.
   */
  readonly askForTls?: () => unknown
  /** Configurations that must be refused before any I/O, each with the field that the error names. */
  readonly invalidConfigs?: readonly { readonly field: string; readonly make: () => unknown }[]
}

/** Settings of one run of the suite. */
export interface ContractOptions {
  /** The ttl of the cases. Default 2,000 ms. */
  readonly ttlMs?: number
  /** What the server adds to a ttl before an owner's instances leave. Default 1,000 ms. */
  readonly graceMs?: number
  /** How many instances and watchers the large cases use. Default 1,000. */
  readonly many?: number
  /** What this backend takes to register that many, where it is seconds. Default 0 ms. */
  readonly manyMs?: number
  /** Runs only the cases with one of these ids. */
  readonly only?: readonly string[]
  /**
   * Cases that this backend does not pass, by name, each with the reason. They are run and must
   * fail, so that an entry that is no longer true breaks the build.
   */
  readonly knownGaps?: Readonly<Record<string, string>>
}
