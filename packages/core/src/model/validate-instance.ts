import { RegistryError, show } from '../registry-error.ts'
import { maxNameBytes } from './name-encoding.ts'
import {
  defaultWeight,
  type InstanceEdit,
  type InstanceHealth,
  instanceHealths,
  type InstanceInput,
  type InstancePatch,
  maxWeight,
  type ServiceInstance,
} from './service-instance.ts'

/** Refuses one argument. The message names the field, the given value and the accepted values. */
const refuse = (
  operation: string,
  field: string,
  given: unknown,
  accepted: string,
  service?: string,
): never => {
  throw new RegistryError('invalid-argument', {
    backend: 'core',
    operation,
    service,
    message: `${field} is ${show(given)}; expected ${accepted}`,
  })
}

/** Checks a service name or an id. */
export const validateName = (operation: string, field: string, value: unknown): string => {
  const accepted = `a non-empty string of well-formed Unicode, at most ${maxNameBytes} bytes in UTF-8`
  if (typeof value !== 'string' || value === '' || !value.isWellFormed())
    return refuse(operation, field, value, accepted)
  const bytes = Buffer.byteLength(value)
  return bytes <= maxNameBytes ? value : refuse(operation, field, `${bytes} bytes long`, accepted)
}

const wildcardHosts: ReadonlySet<string> = new Set(['0.0.0.0', '[::]', '[::ffff:0:0]', ''])

const validateEndpoint = (operation: string, service: string, endpoint: unknown): string => {
  const reject = (accepted: string): never =>
    refuse(operation, 'endpoint', endpoint, accepted, service)
  const accepted = 'an absolute URL with a host, like http://10.0.0.7:8080'
  const url = typeof endpoint === 'string' ? URL.parse(endpoint) : null
  if (url === null) return reject(accepted)
  const { hostname, host, port, username, password } = url
  if (host === '') return reject(accepted)
  if (wildcardHosts.has(hostname))
    return reject(
      "the host at which others reach it, not a wildcard (localAddress() returns this machine's)",
    )
  if (port === '0') return reject('the port at which others reach it; port 0 is not an address')
  if (username !== '' || password !== '')
    return reject('a URL without credentials, as every reader of the registry sees it')
  return endpoint as string
}

const validateTexts = (
  operation: string,
  service: string,
  field: string,
  value: unknown,
): readonly string[] => {
  if (
    !Array.isArray(value) ||
    !value.every((item) => typeof item === 'string' && item !== '' && item.isWellFormed())
  )
    return refuse(operation, field, value, 'a list of non-empty strings', service)
  return Object.freeze([...new Set<string>(value)])
}

const validateMetadata = (
  operation: string,
  service: string,
  value: unknown,
): Readonly<Record<string, string>> => {
  const accepted = 'an object whose values are strings'
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(operation, 'metadata', value, accepted, service)
  for (const [name, item] of Object.entries(value)) {
    if (!name.isWellFormed())
      refuse(operation, 'a key of metadata', name, 'well-formed Unicode', service)
    if (typeof item !== 'string' || !item.isWellFormed())
      refuse(operation, `metadata.${name}`, item, 'a string of well-formed Unicode', service)
  }
  return Object.freeze({ ...(value as Record<string, string>) })
}

const validateText = (
  operation: string,
  service: string,
  field: string,
  value: unknown,
): string => {
  if (typeof value !== 'string' || !value.isWellFormed())
    return refuse(operation, field, value, 'a string of well-formed Unicode', service)
  return value
}

const validateWeight = (operation: string, service: string, value: unknown): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > maxWeight)
    return refuse(operation, 'weight', value, `a whole number from 0 to ${maxWeight}`, service)
  return value
}

const validateHealth = (operation: string, service: string, value: unknown): InstanceHealth =>
  instanceHealths.find((health) => health === value) ??
  refuse(operation, 'health', value, instanceHealths.join(', '), service)

const fields: ReadonlySet<string> = new Set([
  'service',
  'id',
  'endpoints',
  'version',
  'zone',
  'weight',
  'health',
  'tags',
  'metadata',
])

const validateFields = (
  operation: string,
  value: unknown,
  service: string | undefined,
  known: ReadonlySet<string>,
): void => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(operation, 'the argument', value, 'an object', service)
  for (const name of Object.keys(value as object))
    if (!known.has(name))
      refuse(operation, `field ${show(name)}`, 'unknown', [...known].join(', '), service)
}

/** Validates an instance and fills in its defaults, frozen; `invalid-argument` names the field. */
export const validateInstance = (
  operation: string,
  input: InstanceInput,
  makeId: () => string,
): ServiceInstance => {
  validateFields(operation, input, undefined, fields)
  const service = validateName(operation, 'service', input.service)
  const id = validateName(operation, 'id', input.id ?? makeId())
  const { version, zone } = input
  if (!Array.isArray(input.endpoints) || input.endpoints.length === 0)
    refuse(operation, 'endpoints', input.endpoints, 'a list of one or more URLs', service)
  return Object.freeze({
    service,
    id,
    endpoints: Object.freeze(
      input.endpoints.map((endpoint) => validateEndpoint(operation, service, endpoint)),
    ),
    ...(version === undefined || version === ''
      ? {}
      : { version: validateText(operation, service, 'version', version) }),
    ...(zone === undefined || zone === ''
      ? {}
      : { zone: validateText(operation, service, 'zone', zone) }),
    weight: validateWeight(operation, service, input.weight ?? defaultWeight),
    health: validateHealth(operation, service, input.health ?? 'passing'),
    tags: validateTexts(operation, service, 'tags', input.tags ?? []),
    metadata: validateMetadata(operation, service, input.metadata ?? {}),
  })
}

const editFields: ReadonlySet<string> = new Set(['weight', 'health', 'tags', 'metadata'])

/** Validates the fields of `edit`. */
export const validateEdit = (
  operation: string,
  service: string,
  edit: InstanceEdit,
): Partial<ServiceInstance> => {
  validateFields(operation, edit, service, editFields)
  const { weight, health, tags, metadata } = edit
  return {
    ...(weight === undefined ? {} : { weight: validateWeight(operation, service, weight) }),
    ...(health === undefined ? {} : { health: validateHealth(operation, service, health) }),
    ...(tags === undefined ? {} : { tags: validateTexts(operation, service, 'tags', tags) }),
    ...(metadata === undefined ? {} : { metadata: validateMetadata(operation, service, metadata) }),
  }
}

const patchFields: ReadonlySet<string> = new Set(
  [...fields].filter((name) => name !== 'service' && name !== 'id'),
)

/** Replaces the fields of `patch` in `instance` and validates the result as a whole. */
export const patchInstance = (
  operation: string,
  instance: ServiceInstance,
  patch: InstancePatch,
): ServiceInstance => {
  validateFields(operation, patch, instance.service, patchFields)
  const named = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  const { health: present, ...rest } = instance
  const patched = validateInstance(operation, { ...rest, ...named }, () => instance.id)
  // it may be one of a later version, which only an edit can have set
  return 'health' in named ? patched : Object.freeze({ ...patched, health: present })
}
