import {
  type Contents,
  type DecodedRecord,
  type ExistingRecord,
  inParallel,
  toContents,
  type WireFormat,
} from '@sd/core/driver'
import type { Answer, ConsulClient, Question } from '../client/consul-client.ts'
import type { ConsulConfig } from '../config.ts'
import { consulError } from '../errors.ts'
import type { Keys } from '../keys.ts'
import { assertReadable } from './assert-readable.ts'
import { type LiveServices, parseLiveServices } from './live-services.ts'
import { decodeEntry, parseEntries, type ServiceEntry, sessionMeta } from './service-entry.ts'

/** Services that are read at once where a scope holds many. */
const parallelReads = 8

const inAnyOf = (serviceIds: readonly string[]): string =>
  // names are letters, digits, - and _: nothing to quote
  serviceIds.map((id) => `Service.ID == "${id}"`).join(' or ')

/** What the catalog knows of one namespace. */
export class Catalog {
  readonly client: ConsulClient
  readonly keys: Keys
  readonly format: WireFormat
  readonly #datacenter: string
  readonly #consistency: string
  readonly #stale: boolean

  constructor(client: ConsulClient, keys: Keys, format: WireFormat, config: ConsulConfig) {
    const { datacenter, consistency = 'default' } = config
    this.client = client
    this.keys = keys
    this.format = format
    this.#datacenter = datacenter === undefined ? '' : `&dc=${datacenter}`
    this.#consistency = consistency === 'default' ? '' : `&${consistency}`
    this.#stale = consistency === 'stale'
  }

  /** For everything live of one service, with the configured consistency. */
  serviceQuestion(service: string, operation: string, latest = false): Question {
    // what has to be as new as another answer must not come from a server that lags
    const consistency = latest && this.#stale ? '' : this.#consistency
    return {
      lane: 'calls',
      path: `health/service/${this.keys.serviceName(service)}?passing=1${this.#datacenter}${consistency}`,
      operation,
      service,
    }
  }

  /**
   * For all services at once: the checks of the namespace, and whatever does not pass, as a service
   * is not live beside a check of its own or of its node that fails. One query, also where a change
   * is waited for.
   */
  liveServicesQuestion(operation: string): Question {
    const filter = encodeURIComponent(`Name == "${this.keys.checkName}" or Status != "passing"`)
    return {
      lane: 'calls',
      path: `health/state/any?filter=${filter}${this.#datacenter}${this.#consistency}`,
      operation,
    }
  }

  /** What was answered to `serviceQuestion`. */
  entriesIn(answer: Answer, operation: string): readonly ServiceEntry[] {
    this.#refuseLeaderless(answer, operation)
    return parseEntries(answer.text, operation)
  }

  /** What was answered to `liveServicesQuestion`. */
  liveServicesIn(answer: Answer, operation: string): LiveServices {
    this.#refuseLeaderless(answer, operation)
    return parseLiveServices(answer.text, this.keys, operation)
  }

  /** Throws `permission-denied` if an empty answer is one that the token may not see more of. */
  assertReadable(
    answer: Answer,
    operation: string,
    service: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const serviceName = service === undefined ? undefined : this.keys.serviceName(service)
    return assertReadable(this.client, answer, { operation, service, serviceName }, signal)
  }

  async readService(service: string, operation: string, signal: AbortSignal): Promise<Contents> {
    const answer = await this.client.read(this.serviceQuestion(service, operation), signal)
    const entries = this.entriesIn(answer, operation)
    if (entries.length === 0) await this.assertReadable(answer, operation, service, signal)
    return this.decodeAll(entries)
  }

  async readLiveServices(operation: string, signal: AbortSignal): Promise<LiveServices> {
    const answer = await this.client.read(this.liveServicesQuestion(operation), signal)
    const live = this.liveServicesIn(answer, operation)
    if (live.size === 0) await this.assertReadable(answer, operation, undefined, signal)
    return live
  }

  /** The entries of several services, a few at a time. */
  async readServices(
    services: readonly string[],
    operation: string,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly ServiceEntry[]>> {
    const found = new Map<string, readonly ServiceEntry[]>()
    await inParallel(services, parallelReads, async (service) => {
      const question = this.serviceQuestion(service, operation, true)
      const answer = await this.client.read(question, signal)
      found.set(service, this.entriesIn(answer, operation))
    })
    return found
  }

  /**
   * What stands in the agent's own datacenter under these ids of one service, at every agent,
   * live or not. Read consistently: it decides who holds an id.
   */
  async entriesUnder(
    service: string,
    serviceIds: readonly string[],
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    return this.#readConsistently(service, inAnyOf(serviceIds), operation, signal)
  }

  /** The same, of what a session wrote. */
  async writtenBy(
    sessionId: string,
    service: string,
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    const filter = `Service.Meta.${sessionMeta} == "${sessionId}"`
    return this.#readConsistently(service, filter, operation, signal)
  }

  decode(entry: ServiceEntry): DecodedRecord {
    return decodeEntry(this.keys, this.format, entry)
  }

  /** An entry as the rules of ownership see it. */
  existing(entry: ServiceEntry): ExistingRecord {
    const { text, sessionId } = entry
    return { record: this.decode(entry), value: Buffer.from(text), sessionId }
  }

  decodeAll(entries: readonly ServiceEntry[]): Pick<Contents, 'records' | 'skipped'> {
    return toContents(entries.map((entry) => this.decode(entry)))
  }

  async #readConsistently(
    service: string,
    filter: string,
    operation: string,
    signal: AbortSignal,
  ): Promise<readonly ServiceEntry[]> {
    const name = this.keys.serviceName(service)
    const path = `health/service/${name}?consistent&filter=${encodeURIComponent(filter)}`
    const answer = await this.client.read({ lane: 'calls', path, operation, service }, signal)
    return parseEntries(answer.text, operation)
  }

  /** A server that has just started answers stale reads with what it last saved: an older world. */
  #refuseLeaderless({ knownLeader }: Answer, operation: string): void {
    if (knownLeader) return
    const message = 'the server that answered knows of no leader, so its data may be old'
    throw consulError('unavailable', operation, message)
  }
}
