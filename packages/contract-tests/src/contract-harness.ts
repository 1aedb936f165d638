import type { DriverFactory, WireFormat } from '@sd/core/driver'
import type { InstanceInput } from '@sd/core'

/** Stops and starts the real server, always on the same address. */
export interface ServerControl {
  /** `term`: SIGTERM; `kill`: SIGKILL. Data is kept. */
  stop(how: 'term' | 'kill'): Promise<void>
  /** Resolves when the server answers again. */
  start(): Promise<void>
  /** Deletes the data of a stopped server. */
  wipe(): Promise<void>
  /** Freezes the server: connections stay open and nothing answers (SIGSTOP). */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** A process that registered an instance and holds it. */
export interface OwnerProcess {
  /** SIGKILL: the process cannot clean up. */
  kill(): Promise<void>
}

/** An owner whose event loop can be blocked. */
export interface BlockableOwner extends OwnerProcess {
  /** The session under which it registered. */
  readonly sessionId: string
  /** Blocks its event loop for that long; resolves half a ttl later with the session of then. */
  block(durationMs: number): Promise<string>
}

/** A server that requires TLS or credentials. */
export interface SecureConnection {
  readonly connect: (namespace: string) => DriverFactory
  readonly server: Pick<ServerControl, 'stop' | 'start'>
  /** The secrets of the connection: none may appear in an error, a log line or an inspection. */
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

/** The contents of the backend at one moment. */
export interface Backup {
  /** Restores the contents and serves on the same address; resolves when the backend answers. */
  restore(): Promise<void>
}

/**
 * What the suite needs of a backend. Only `connect` is required; cases that need a missing hook are
 * skipped by name. A backend without a server implements the faults itself.
 */
export interface ContractHarness extends AsyncDisposable {
  /** A driver on that namespace, over the link that `partition`, `slow` and `cutAt` affect. */
  readonly connect: (namespace: string) => DriverFactory
  /** A driver whose link no fault affects. */
  connectDirect?(namespace: string): DriverFactory
  /**
   * For a `connect` that makes calls fail at random, which core hides: a driver over the same link
   * without these failures, for the cases that call a driver directly. Default: `connect`.
   */
  connectSteady?(namespace: string): DriverFactory
  readonly server?: ServerControl
  /** Cuts the link: data is dropped, connections stay open. Restored when disposed of. */
  partition?(): Promise<Fault>
  /** Delays every message by `delayMs`, in both directions. */
  slow?(delayMs: number): Promise<Fault>
  /** Lets each connection pass at most that many bytes a second from the server. */
  narrow?(bytesPerSecond: number): Promise<Fault>
  /** Cuts each connection after that many bytes from the server. */
  cutAt?(bytes: number): Promise<CutLink>
  /**
   * Silences every open connection in both directions. The connections stay open until the fault is
   * disposed of, which resets them; connections that are opened later work.
   */
  silence?(): Promise<Fault>
  /**
   * Silences each connection over which a client sends more than `bytes` from now on, until the
   * fault is disposed of, which resets it. Other connections work. A backend without connections
   * blocks the writes of instances.
   */
  hangWrites?(bytes: number): Promise<Fault>
  /**
   * Delays every write of instances that is sent while the fault lasts, also one whose caller gives
   * up; later calls overtake it.
   */
  delayWrites?(delayMs: number): Promise<Fault>
  /** How many connections drivers of `connect` have opened so far. */
  connectionCount?(): number
  /** Ends that session, which registered in `namespace`, out of band. */
  expireSession?(sessionId: string, namespace: string): Promise<void>
  /** Makes the backend drop the history that old cursors of `namespace` refer to. */
  loseHistory?(namespace: string): Promise<void>
  /** Saves the contents of the backend, like an operator's backup. */
  backUp?(): Promise<Backup>
  /** Deletes one record, out of band, visibly to watchers. */
  deleteRecord?(namespace: string, service: string, id: string): Promise<void>
  /**
   * Overwrites one record with these bytes, out of band, tied to no session, visibly to watchers.
   */
  writeRaw?(namespace: string, service: string, id: string, value: Uint8Array): Promise<void>
  /**
   * Starts another process that registers and holds that instance; resolves once it is registered.
   */
  startOwner?(namespace: string, instance: InstanceInput, ttlMs: number): Promise<OwnerProcess>
  /**
   * The same with `heartbeat: 'worker'`, and with that `maxBlockMs` (default: the backend's), where the
   * backend has it.
   */
  startWorkerOwner?(
    namespace: string,
    instance: InstanceInput,
    ttlMs: number,
    maxBlockMs?: number,
  ): Promise<BlockableOwner>
  /** Secure connections (TLS, authentication) by name; each must work like the plain one. */
  readonly secure?: Readonly<Record<string, SecureConnection>>
  /**
   * Makes a driver that asks for TLS. Where `capabilities.tls` is false it must throw
   * `invalid-config`, and never fall back to a plain connection.
   */
  readonly askForTls?: () => unknown
  /** Configurations to reject before any I/O, each with the field that the error names. */
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
  /** How long this backend takes to register that many, if that is seconds. Default 0 ms. */
  readonly manyMs?: number
  /**
   * The format of the records, for a run of the suite with the format of another fleet: `writeRaw`,
   * `deleteRecord` and `startOwner` use it, too. Cases that need a part that it lacks must fail, as with
   * `knownGaps`. Default: the format of `@sd`.
   */
  readonly format?: WireFormat
  /**
   * How many cases run at a time, an integer of at least 1, each on a harness of its own; the large
   * cases always run alone. Most of a case is waiting, so that two at a time take half as long. Default 1.
   */
  readonly concurrency?: number
  /** Runs only the cases with one of these ids. */
  readonly only?: readonly string[]
  /** Why the harness lacks a hook, by its name: the names of the skipped cases say so. */
  readonly missing?: Readonly<Partial<Record<keyof ContractHarness, string>>>
  /**
   * Cases that this backend does not pass, by name, each with the reason. They are run and must
   * fail, so that an outdated entry breaks the build.
   */
  readonly knownGaps?: Readonly<Record<string, string>>
}
