import { createDriverContext, jsonFormat, type RegistryDriver } from '@sd/core/driver'
import type { Server } from '@sd/contract-tests/servers'
import { until } from '@sd/test-servers'
import { request as httpRequest } from 'undici'
import { layoutFor } from '../src/catalog/layout-for.ts'
import type { ServiceLayout } from '../src/catalog/service-layout.ts'
import { consul, type ConsulConfig } from '../src/index.ts'

/** Where the default format stores its records. */
const ownLayout: ServiceLayout = layoutFor(jsonFormat, undefined)

/** `host:port` of a server's HTTP interface. */
export const httpOf = (server: Server | undefined): string => server?.endpoints['http'] ?? ''

/** A driver for `host:port`. */
export const connect = (host: string, config: Partial<ConsulConfig> = {}): RegistryDriver =>
  consul({ endpoint: `http://${host}`, ...config })(createDriverContext())

/** Consul's entry of one instance. */
export interface HealthEntry {
  readonly Node: { readonly Node: string }
  readonly Service: {
    readonly ID: string
    readonly Service: string
    readonly Address: string
    readonly Port: number
    readonly Tags: readonly string[]
    readonly Meta: Readonly<Record<string, string>>
    readonly Weights: { readonly Passing: number }
  }
  readonly Checks: readonly {
    readonly CheckID: string
    readonly Status: string
    readonly Notes: string
  }[]
}

/** A client of Consul itself, to change the data under the driver. */
export class Admin {
  readonly #base: string
  readonly #headers: Readonly<Record<string, string>>

  constructor(host: string, token?: string) {
    this.#base = `http://${host}/v1/`
    this.#headers = token === undefined ? {} : { 'x-consul-token': token }
  }

  async call<T>(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<T> {
    const response = await httpRequest(`${this.#base}${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.body.text()
    if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path)
  }

  put<T>(path: string, body?: unknown): Promise<T> {
    return this.call('PUT', path, body)
  }

  /** The ids that a session wrote at this agent. */
  async writtenBy(sessionId: string, layout = ownLayout): Promise<readonly string[]> {
    const tied = await this.get<Record<string, { ID?: string; ServiceID?: string }>>(
      layout.tiedTo(sessionId),
    )
    return Object.values(tied).map(({ ID, ServiceID }) => ID ?? ServiceID ?? '')
  }

  deregister(serviceId: string): Promise<void> {
    return this.put(`agent/service/deregister/${serviceId}`)
  }

  /** Waits until the catalog does not list the service id. */
  async gone(serviceName: string, serviceId: string): Promise<void> {
    await until('the catalog has removed it', async () => {
      const entries = await this.health(serviceName)
      return entries.every(({ Service }) => Service.ID !== serviceId)
    })
  }

  /** Waits until the catalog lists the service id with an entry like that. */
  async shows(
    serviceName: string,
    serviceId: string,
    expected: (entry: HealthEntry) => boolean,
  ): Promise<void> {
    await until('the catalog contains it', async () =>
      (await this.health(serviceName)).some(
        (entry) => entry.Service.ID === serviceId && expected(entry),
      ),
    )
  }

  health(serviceName: string): Promise<readonly HealthEntry[]> {
    return this.get(`health/service/${serviceName}`)
  }

  /** Ends a session out of band: removes its registrations. */
  async expire(sessionId: string, layout = ownLayout): Promise<void> {
    const serviceIds = (await this.writtenBy(sessionId, layout)).values()
    const worker = async (): Promise<void> => {
      for (const serviceId of serviceIds) {
        const path = `agent/health/service/id/${serviceId}`
        // whatever the status of its checks is
        const { body } = await httpRequest(`${this.#base}${path}`, { headers: this.#headers })
        const text = await body.text()
        if (!text.startsWith('{')) continue
        const { Service, Checks } = JSON.parse(text) as HealthEntry
        // its owner may have written it again in another session
        if (layout.storedIn(Service, Checks).sessionId === sessionId)
          await this.deregister(serviceId)
      }
    }
    // an agent disconnects a client that opens more than 200 connections
    await Promise.all(Array.from({ length: 8 }, worker))
  }

  async snapshot(): Promise<Buffer> {
    const { body } = await httpRequest(`${this.#base}snapshot`, { headers: this.#headers })
    return Buffer.from(await body.arrayBuffer())
  }

  async restore(snapshot: Buffer): Promise<void> {
    const { body } = await httpRequest(`${this.#base}snapshot`, {
      method: 'PUT',
      headers: this.#headers,
      body: snapshot,
    })
    await body.dump()
  }
}
