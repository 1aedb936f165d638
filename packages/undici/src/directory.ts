import type { Discovery } from '@sd/core'
import type { ServiceOptions } from './dispatcher-options.ts'
import { checkObject, checkWhole, refuseOption } from './option-check.ts'
import { AddressBook, isHostName } from './service-address.ts'
import { mergeOptions, resolveService, type ServiceSettings } from './service-settings.ts'

/** Options common to the dispatcher and the agent. */
export interface DirectoryOptions extends ServiceOptions {
  readonly discovery: Discovery
  readonly suffix?: string | undefined
  readonly services?: Readonly<Record<string, string>> | undefined
  readonly overrides?: Readonly<Record<string, ServiceOptions>> | undefined
  readonly idleMs?: number | undefined
}

/** The checked options that the dispatcher and the agent share. */
export interface Directory {
  readonly discovery: Discovery
  readonly addresses: AddressBook
  readonly idleMs: number
  settingsOf(service: string): ServiceSettings
}

const commonNames = ['discovery', 'suffix', 'services', 'overrides', 'idleMs']

const checkSuffix = (suffix: unknown): string => {
  const accepted = "a dot and a host name in lower case, like '.sd'"
  if (typeof suffix !== 'string' || !suffix.startsWith('.') || !isHostName(suffix.slice(1)))
    return refuseOption('suffix', suffix, accepted)
  // URLs parse a host that ends in a number as an IPv4 address
  return /\.\d+$/.test(suffix)
    ? refuseOption('suffix', suffix, `${accepted}, whose last label is not a number`)
    : suffix
}

const checkServices = (services: unknown): ReadonlyMap<string, string> => {
  const map = new Map<string, string>()
  if (services === undefined) return map
  if (typeof services !== 'object' || services === null || Array.isArray(services))
    return refuseOption('services', services, "an object like { 'billing.sd': 'Billing EU' }")
  for (const [host, service] of Object.entries(services)) {
    if (!isHostName(host))
      refuseOption('a key of services', host, 'a host name in lower case, like billing.sd')
    if (typeof service !== 'string' || service === '')
      refuseOption(`services[${JSON.stringify(host)}]`, service, 'the name of a service')
    map.set(host, service as string)
  }
  return map
}

const checkDiscovery = (discovery: unknown): Discovery =>
  typeof discovery === 'object' &&
  discovery !== null &&
  typeof (discovery as Partial<Discovery>).watch === 'function'
    ? (discovery as Discovery)
    : refuseOption(
        'discovery',
        discovery,
        'a registry: what createRegistry of @sd/registry returns',
      )

/**
 * Checks the options, including those in `overrides`. `besides`: additional names that this caller
 * accepts; `byService`: names that may differ by service.
 * @throws RegistryError `invalid-config`, naming the option
 */
export const createDirectory = (
  options: DirectoryOptions,
  besides: readonly string[],
  byService: readonly (keyof ServiceOptions)[],
): Directory => {
  checkObject('options', options, [...commonNames, ...besides, ...byService])
  const { overrides = {} } = options
  const common: ServiceOptions = Object.fromEntries(byService.map((name) => [name, options[name]]))
  const settings = resolveService(common)
  const own = new Map(
    Object.entries(checkObject('overrides', overrides, Object.keys(overrides))).map(
      ([service, given]) => {
        const at = `overrides[${JSON.stringify(service)}]`
        const checked = checkObject(at, given, byService) as ServiceOptions
        return [service, resolveService(mergeOptions(common, checked), `${at}.`)] as const
      },
    ),
  )
  return {
    discovery: checkDiscovery(options.discovery),
    addresses: new AddressBook(
      checkSuffix(options.suffix ?? '.sd'),
      checkServices(options.services),
    ),
    idleMs: checkWhole('idleMs', options.idleMs, 300_000, 10, 2 ** 31 - 1),
    settingsOf: (service) => own.get(service) ?? settings,
  }
}
