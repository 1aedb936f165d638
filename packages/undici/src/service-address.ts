import { domainToUnicode } from 'node:url'
import { RegistryError, show } from '@sd/core'

/** What a URL with a service's host asks for. */
export interface ServiceAddress {
  readonly service: string
  /** The scheme that the endpoint must have. */
  readonly scheme: 'http' | 'https'
  /** The URL's host in lower case: the request's Host header. */
  readonly host: string
}

const refuse = (operation: string, message: string): never => {
  throw new RegistryError('invalid-argument', { backend: 'undici', operation, message })
}

// the labels of a host name, RFC 952 and 1123, with the underscore that URLs allow
const hostPattern = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/

/** Whether a text is a host name as a URL shows it: lower case, letters, digits, `-`, `_` and dots. */
export const isHostName = (text: string): boolean => text.length <= 253 && hostPattern.test(text)

// normally few, as URLs are the application's own; limited for the case of a crawler
const maxRemembered = 1_024

/**
 * Maps a URL's origin to a service: the host without the suffix, with punycode labels (`xn--…`)
 * decoded, or the service that `services` names for the whole host.
 */
export class AddressBook {
  readonly #suffix: string
  readonly #services: ReadonlyMap<string, string>
  readonly #remembered = new Map<string, ServiceAddress | null>()

  constructor(suffix: string, services: ReadonlyMap<string, string>) {
    this.#suffix = suffix
    this.#services = services
  }

  /**
   * The address for an origin; `undefined` when it is not a service's.
   * @throws RegistryError `invalid-argument` for a service's host with a port, a user name or a
   * scheme other than http and https
   */
  find(origin: string | URL | undefined): ServiceAddress | undefined {
    if (origin === undefined) return undefined
    const text = typeof origin === 'string' ? origin : origin.origin
    const remembered = this.#remembered.get(text)
    if (remembered !== undefined) return remembered ?? undefined
    const address = this.#read(text)
    if (this.#remembered.size >= maxRemembered) this.#remembered.clear()
    this.#remembered.set(text, address ?? null)
    return address
  }

  /** The service for a host; `undefined` if there is none. */
  serviceOf(host: string): string | undefined {
    const name = host.toLowerCase()
    const mapped = this.#services.get(name)
    if (mapped !== undefined) return mapped
    if (!name.endsWith(this.#suffix) || name.length === this.#suffix.length) return undefined
    const labels = name.slice(0, -this.#suffix.length)
    return labels.includes('xn--') ? domainToUnicode(labels) || labels : labels
  }

  /** Throws for a host without a service, when there is no fallback for the request. */
  refuse(operation: string, host: string): never {
    const mapped = [...this.#services.keys()].slice(0, 5).join(', ')
    return refuse(
      operation,
      `${show(host)} is not a service; expected a host that ends in ${this.#suffix}, like ` +
        `http://orders${this.#suffix}/${mapped === '' ? '' : `, or one that \`services\` maps: ${mapped}`}`,
    )
  }

  #read(text: string): ServiceAddress | undefined {
    if (!URL.canParse(text)) return undefined
    const { protocol, hostname, port, username, password } = new URL(text)
    const service = this.serviceOf(hostname)
    if (service === undefined) return undefined
    const scheme = protocol === 'https:' || protocol === 'wss:' ? 'https' : 'http'
    if (scheme === 'http' && protocol !== 'http:' && protocol !== 'ws:')
      return refuse(
        'request',
        `scheme of ${show(text)} is ${show(protocol)}; expected http or https`,
      )
    if (port !== '')
      return refuse(
        'request',
        `${show(text)} names port ${port}; expected none, as each instance of ${show(service)} ` +
          'registers its own',
      )
    if (username !== '' || password !== '')
      return refuse(
        'request',
        `the URL of ${show(service)} contains credentials; expected them in an Authorization header`,
      )
    return { service, scheme, host: hostname }
  }
}
