import {
  type Contents,
  type DecodedRecord,
  type ExistingRecord,
  inParallel,
  type Progress,
  toContents,
  type WireFormat,
} from '@sd/core/driver'
import type { ConsulResponse, ConsulClient, ConsulRequest } from '../client/consul-client.ts'
import type { Consistency, ConsulConfig } from '../config.ts'
import { consulError } from '../errors.ts'
import { assertReadable } from './assert-readable.ts'
import { layoutFor } from './layout-for.ts'
import { type LiveServices, parseLiveServices } from './live-services.ts'
import {
  decodeEntry,
  parseEntries,
  parseJson,
  type ServiceEntry,
  withForeignHealth,
} from './service-entry.ts'
import type { ServiceLayout } from './service-layout.ts'

/**
 * What a read follows. `first`: nothing, it is a list or begins a watch. `next`: an answer that it waits
 * for a change of. `latest`: another answer, and it must be at least as new.
 */
export type ReadRole = 'first' | 'next' | 'latest'

/** How many services are read at once for a scope with many. */
const parallelReads = 8

const plainBytes = /[\w:.~-]/

/** A string of Consul's filters, which are read as Go reads strings, and cannot contain a quote. */
const quoted = (text: string): string =>
  `"${[...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return plainBytes.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`
    })
    .join('')}"`

const inAnyOf = (serviceIds: readonly string[]): string =>
  serviceIds.map((id) => `Service.ID == ${quoted(id)}`).join(' or ')

/** Reads of one namespace from the catalog. */
export class Catalog {
  readonly client: ConsulClient
  readonly layout: ServiceLayout
  readonly format: WireFormat
  readonly #datacenter: string
  readonly #consistency: Consistency

  constructor(client: ConsulClient, format: WireFormat, config: ConsulConfig) {
    const { namespace, datacenter, consistency = 'default' } = config
    this.client = client
    this.layout = layoutFor(format, namespace)
    this.format = format
    this.#datacenter = datacenter === undefined ? '' : `&dc=${datacenter}`
    this.#consistency = consistency
  }

  /**
   * The query for all entries of one service, with the configured consistency. It does not ask for
   * passing ones only, as a live instance may be failing.
   */
  serviceQuery(service: string, operation: string, role: ReadRole): ConsulRequest {
    const consistency = this.#parameter(role)
    return {
      pool: 'calls',
      path: `health/service/${this.layout.serviceName(service)}?${this.#datacenter}${consistency}`,
      operation,
      service,
    }
  }

  /**
   * The query for all services at once. It selects the checks of the namespace and all checks that do
   * not pass, as those of a service and of its node decide whether it is live, and its health. It is one
   * query, so that it can wait for changes.
   */
  liveServicesQuery(operation: string, role: ReadRole): ConsulRequest {
    const filter = encodeURIComponent(`Name == "${this.layout.checkName}" or Status != "passing"`)
    return {
      pool: 'calls',
      path: `health/state/any?filter=${filter}${this.#datacenter}${this.#parameter(role)}`,
      operation,
    }
  }

  /** The query for the names of all services, live or not. */
  namesQuery(operation: string, role: ReadRole): ConsulRequest {
    const path = `catalog/services?${this.#datacenter}${this.#parameter(role)}`
    return { pool: 'calls', path, operation }
  }

  /** The services in an answer to `namesQuery`. */
  namesIn(answer: ConsulResponse, operation: string): readonly string[] {
    this.#refuseLeaderless(answer, operation)
    const names = Object.keys(parseJson(answer.text, operation) as object)
    return names.flatMap((name) => this.layout.serviceOf(name) ?? [])
  }

  /** The live entries in an answer to `serviceQuery`. */
  entriesIn(answer: ConsulResponse, service: string, operation: string): readonly ServiceEntry[] {
    this.#refuseLeaderless(answer, operation)
    const name = this.layout.serviceName(service)
    // Consul ignores case in names
    return parseEntries(this.layout, answer.text, operation).filter(
      ({ live, serviceName }) => live && serviceName === name,
    )
  }

  /** The services in an answer to `liveServicesQuery`. */
  liveServicesIn(answer: ConsulResponse, operation: string): LiveServices {
    this.#refuseLeaderless(answer, operation)
    return parseLiveServices(answer.text, this.layout, operation)
  }

  /** Throws `permission-denied` if an answer is empty because of the token. */
  assertReadable(
    answer: ConsulResponse,
    operation: string,
    service: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const serviceName = service === undefined ? undefined : this.layout.serviceName(service)
    return assertReadable(this.client, answer, { operation, service, serviceName }, signal)
  }

  async readService(
    service: string,
    operation: string,
    signal: AbortSignal,
    progress?: Progress,
  ): Promise<Contents> {
    const query = { ...this.serviceQuery(service, operation, 'first'), progress }
    const answer = await this.client.read(query, signal)
    const entries = this.entriesIn(answer, service, operation)
    if (entries.length === 0) await this.assertReadable(answer, operation, service, signal)
    return this.decodeAll(entries)
  }

  async readLiveServices(
    operation: string,
    signal: AbortSignal,
    progress?: Progress,
  ): Promise<LiveServices> {
    const query = { ...this.liveServicesQuery(operation, 'first'), progress }
    const answer = await this.client.read(query, signal)
    const live = this.liveServicesIn(answer, operation)
    if (live.size === 0) await this.assertReadable(answer, operation, undefined, signal)
    return live
  }

  /** The services with a live entry. */
  async readLiveNames(
    operation: string,
    signal: AbortSignal,
    progress?: Progress,
  ): Promise<readonly string[]> {
    if (this.layout.checkName !== undefined)
      return [...(await this.readLiveServices(operation, signal, progress)).keys()]
    const names = await this.readNames(operation, signal, progress)
    const failing = `health/state/any?filter=${encodeURIComponent('Status != "passing"')}`
    const path = `${failing}${this.#datacenter}${this.#parameter('latest')}`
    const answer = await this.client.read({ pool: 'calls', path, operation, progress }, signal)
    const failed = new Set(
      (parseJson(answer.text, operation) as readonly { readonly ServiceName: string }[]).map(
        ({ ServiceName }) => ServiceName,
      ),
    )
    // the check of a node concerns all of its services
    const doubtful = failed.has('')
      ? names
      : names.filter((name) => failed.has(this.layout.serviceName(name)))
    const found = await this.readServices(doubtful, operation, signal, progress)
    return names.filter((name) => found.get(name)?.length !== 0)
  }

  async readNames(
    operation: string,
    signal: AbortSignal,
    progress?: Progress,
  ): Promise<readonly string[]> {
    const query = { ...this.namesQuery(operation, 'first'), progress }
    const answer = await this.client.read(query, signal)
    const names = this.namesIn(answer, operation)
    if (names.length === 0) await this.assertReadable(answer, operation, undefined, signal)
    return names
  }

  /** The entries of several services, a few at a time. */
  async readServices(
    services: readonly string[],
    operation: string,
    signal: AbortSignal,
    progress?: Progress,
  ): Promise<ReadonlyMap<string, readonly ServiceEntry[]>> {
    const found = new Map<string, readonly ServiceEntry[]>()
    await inParallel(services, parallelReads, async (service) => {
      const query = { ...this.serviceQuery(service, operation, 'latest'), progress }
      const answer = await this.client.read(query, signal)
      found.set(service, this.entriesIn(answer, service, operation))
    })
    return found
  }

  /**
   * The entries with these ids of one service in the agent's own datacenter, at every agent, live or
   * not. A consistent read, as it decides which session holds an id.
   */
  async entriesUnder(
    service: string,
    serviceIds: readonly string[],
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    return this.#readConsistently(service, inAnyOf(serviceIds), operation, signal)
  }

  /** The same for the entries that a session wrote. */
  async writtenBy(
    sessionId: string,
    service: string,
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    const filter = this.layout.writtenBy(sessionId)
    return this.#readConsistently(service, filter, operation, signal)
  }

  /** An entry as the rules of ownership see it: as its owner wrote it. */
  existing(entry: ServiceEntry): ExistingRecord {
    const { text, sessionId } = entry
    return { record: this.#decode(entry), value: Buffer.from(text), sessionId }
  }

  /** Entries as readers see them. */
  decodeAll(entries: readonly ServiceEntry[]): Pick<Contents, 'records' | 'skipped'> {
    return toContents(entries.map((entry) => withForeignHealth(this.#decode(entry), entry)))
  }

  #decode(entry: ServiceEntry): DecodedRecord {
    return decodeEntry(this.layout, this.format, entry)
  }

  async #readConsistently(
    service: string,
    filter: string,
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    const name = this.layout.serviceName(service)
    const path = `health/service/${name}?consistent&filter=${encodeURIComponent(filter)}`
    const answer = await this.client.read({ pool: 'calls', path, operation, service }, signal)
    return parseEntries(this.layout, answer.text, operation)
  }

  /**
   * The parameter that selects the consistency. A server that has just become the leader answers
   * default reads while it still replays its log, from states that are minutes old; only consistent
   * reads wait for the end of the replay.
   */
  #parameter(role: ReadRole): string {
    const asked = this.#consistency
    if (asked === 'default') return role === 'first' ? '&consistent' : ''
    return asked === 'stale' && role === 'latest' ? '' : `&${asked}`
  }

  /** A server that has just started answers stale reads from its last snapshot, which is older. */
  #refuseLeaderless({ knownLeader }: ConsulResponse, operation: string): void {
    if (knownLeader) return
    const message = 'the server that answered knows no leader, so its data may be old'
    throw consulError('unavailable', operation, message)
  }
}
