import { type RecordKey, toRecordKey } from '@sd/core/driver'
import { defaultNamespace } from './config.ts'

/** Separates the parts of a name. No encoded part contains it, as a digit follows every `_` there. */
const separator = '__'

const plain = /^[a-z0-9-]+$/

/**
 * Encodes one part of a Consul name. Consul ignores case in names, and its HTTP server cleans paths,
 * so only lower-case letters, digits and `-` are kept; every other byte becomes `_` and two hex
 * digits.
 */
export const encodePart = (part: string): string => {
  if (plain.test(part)) return part
  let encoded = ''
  for (const byte of new TextEncoder().encode(part)) {
    const char = String.fromCharCode(byte)
    encoded += plain.test(char) ? char : `_${byte.toString(16).padStart(2, '0')}`
  }
  return encoded
}

/** The inverse of `encodePart`; `undefined` for anything else. */
export const decodePart = (encoded: string): string | undefined => {
  try {
    const part = decodeURIComponent(encoded.replaceAll('_', '%'))
    return part !== '' && encodePart(part) === encoded ? part : undefined
  } catch {
    return undefined
  }
}

/** Whether the name of a service is the same in Consul, in a path and in a key. Fleets use names as they are. */
export const isPlainName = (name: string): boolean =>
  /^(?!\.{1,2}$)[A-Za-z0-9._~-]+$/.test(name) && name !== consulItself

/** The service of Consul's own servers. */
const consulItself = 'consul'

/** The instance that a Consul service id names. */
export interface InstanceName {
  readonly service: string
  readonly id: string
}

/**
 * The names of one namespace in Consul. A service of the default namespace keeps its own name, so
 * that DNS finds it; in another it is `<namespace>__<service>`. An instance's id is its service's
 * name, `__` and the id.
 */
export class Keys {
  readonly #prefix: string
  /** The name of every check of this namespace. It distinguishes `@sd` services from others. */
  readonly checkName: string
  /** The name of the check that says that an instance of this namespace is not passing. */
  readonly healthCheckName: string

  constructor(namespace: string) {
    const encoded = encodePart(namespace)
    this.#prefix = namespace === defaultNamespace ? '' : `${encoded}${separator}`
    this.checkName = `sd:${encoded}`
    this.healthCheckName = `${this.checkName}:health`
  }

  serviceName(service: string): string {
    return `${this.#prefix}${encodePart(service)}`
  }

  serviceId({ service, id }: InstanceName): string {
    return `${this.serviceName(service)}${separator}${encodePart(id)}`
  }

  /** The service of that Consul name; `undefined` for one of another namespace or program. */
  serviceOf(serviceName: string): string | undefined {
    if (!serviceName.startsWith(this.#prefix)) return undefined
    return decodePart(serviceName.slice(this.#prefix.length))
  }

  /** The inverse of `serviceId`; `undefined` for an id of another namespace or program. */
  instanceOf(serviceId: string): InstanceName | undefined {
    if (!serviceId.startsWith(this.#prefix)) return undefined
    const rest = serviceId.slice(this.#prefix.length)
    const at = rest.indexOf(separator)
    if (at < 0) return undefined
    const service = decodePart(rest.slice(0, at))
    const id = decodePart(rest.slice(at + separator.length))
    return service === undefined || id === undefined ? undefined : { service, id }
  }
}

/** Ids are unique at one agent only: several nodes may have the same one. */
export const recordKeyOf = (node: string, serviceId: string): RecordKey =>
  toRecordKey(`${node}/${serviceId}`)

/**
 * The check that keeps one instance of one session alive: another session's passes do not. It says
 * nothing about the health.
 */
export const checkIdOf = (serviceId: string, sessionId: string): string =>
  `service:${serviceId}:${sessionId}`

/** A filter of the agent's checks: those that keep the instances of one session alive. */
export const sessionChecks = (sessionId: string): string => `CheckID matches ":${sessionId}$"`

/** The check that says that the instance is not passing. A passing instance has no such check. */
export const healthCheckIdOf = (serviceId: string, sessionId: string): string =>
  `${checkIdOf(serviceId, sessionId)}:health`
