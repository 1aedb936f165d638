import type { KratosFleet, KratosInstance } from './kratos-fleet.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * What a Kratos process does on etcd: a lease of its own for each instance, a put without a
 * comparison, a renewal every third of the ttl, and at its end a delete of the key, whoever wrote it.
 * Speaks to the JSON gateway of etcd.
 */
export class KratosRegistrar implements KratosFleet {
  readonly #endpoint: string
  readonly #timers: NodeJS.Timeout[] = []

  constructor(endpoint: string) {
    this.#endpoint = `http://${endpoint}`
  }

  async #call(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.#endpoint}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }

  static key(id: string): string {
    return `/microservices/orders/${id}`
  }

  async register(id: string, endpoint: string, weight?: number): Promise<void> {
    const ttl = 15
    const { ID } = await this.#call('lease/grant', { TTL: ttl })
    const metadata = weight === undefined ? null : { weight: String(weight) }
    const document = { id, name: 'orders', version: 'v1.0.0', metadata, endpoints: [endpoint] }
    const value = base64(JSON.stringify(document))
    await this.#call('kv/put', { key: base64(KratosRegistrar.key(id)), value, lease: ID })
    const renew = (): void => void this.#call('lease/keepalive', { ID }).catch(() => {})
    this.#timers.push(setInterval(renew, (ttl * 1_000) / 3))
  }

  async deregister(id: string): Promise<void> {
    await this.#call('kv/deleterange', { key: base64(KratosRegistrar.key(id)) })
  }

  /**
   * What Kratos's reader makes of the service: it throws for the whole service where one record has
   * metadata that is not strings, or is not JSON.
   */
  async read(): Promise<readonly KratosInstance[]> {
    const key = base64('/microservices/orders')
    const { kvs = [] } = await this.#call('kv/range', {
      key,
      range_end: base64('/microservices/ordert'),
    })
    return (kvs as readonly { readonly value: string }[]).map(({ value }) => {
      const document = JSON.parse(Buffer.from(value, 'base64').toString()) as {
        readonly id: string
        readonly metadata: Readonly<Record<string, unknown>> | null
      }
      const metadata = document.metadata ?? {}
      for (const text of Object.values(metadata))
        if (typeof text !== 'string') throw new Error(`json: cannot unmarshal ${typeof text}`)
      return { id: document.id, weight: metadata['weight'] as string | undefined }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
  }
}
