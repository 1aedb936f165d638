import type { InstanceFilter, PickerOptions } from '@sd/balancer'
import { RegistryError, show } from '@sd/core'
import { isAuthority } from './authority.ts'

/** A parsed target like `sd:///orders?version=^1&zone=eu-1a`. */
export interface ServiceTarget {
  /** The service's name in the registry, decoded. */
  readonly service: string
  /** Picker options from the query, which override those given to `registerResolver`. */
  readonly picker: PickerOptions
  /** From `scheme`: only endpoints with this scheme. */
  readonly scheme?: string
  /** From `authority`: the name in `:authority` and in the certificate. */
  readonly authority?: string
  /** From `key`: the call metadata whose value keeps calls on one instance. */
  readonly key?: string
}

const example = 'like sd:///orders or sd:///orders?version=^1&zone=eu-1a'
const accepted = 'version, zone, tag, metadata.NAME, strategy, subset, scheme, authority, key'

const problem = (message: string): RegistryError =>
  new RegistryError('invalid-argument', { backend: 'grpc', operation: 'read target', message })

const decode = (text: string, part: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw problem(`${part} is ${show(text)}; expected percent-encoding of UTF-8, a % as %25`)
  }
}

const readService = (path: string, scheme: string): string => {
  if (path === '')
    throw problem(`${scheme}:/// names no service; expected its name after it, ${example}`)
  if (path.includes('/'))
    throw problem(
      `the service is ${show(path)}; expected one name, ${example}; a / within a name is written %2F`,
    )
  const service = decode(path, 'the service')
  const bytes = Buffer.byteLength(service)
  if (bytes > 255) throw problem(`the service's name has ${bytes} bytes; expected at most 255`)
  return service
}

const schemeShape = /^[a-z][a-z0-9+.-]*$/
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: Header-Name
const headerShape = /^[0-9a-z_.-]+$/

class Query {
  readonly #values = new Map<string, string[]>()

  constructor(text: string) {
    for (const pair of text.split('&')) {
      const equals = pair.indexOf('=')
      if (equals <= 0)
        throw problem(`query part ${show(pair)} is not key=value; accepted keys are ${accepted}`)
      // a + is not decoded to a space, as versions contain it
      const name = decode(pair.slice(0, equals), 'a query key')
      const value = decode(pair.slice(equals + 1), name)
      if (value === '') throw problem(`${name} has no value; expected ${name}=...`)
      const values = this.#values.get(name) ?? []
      this.#values.set(name, [...values, value])
    }
  }

  /** Removes and returns the values of a key that may be repeated. */
  all(name: string): readonly string[] {
    const values = this.#values.get(name) ?? []
    this.#values.delete(name)
    return values
  }

  one(name: string): string | undefined {
    const values = this.all(name)
    if (values.length > 1) throw problem(`${name} is given ${values.length} times; expected once`)
    return values[0]
  }

  pairs(prefix: string): Readonly<Record<string, string>> | undefined {
    const names = [...this.#values.keys()].filter((name) => name.startsWith(prefix))
    if (names.length === 0) return undefined
    return Object.fromEntries(
      names.map((name) => {
        if (name === prefix) throw problem(`${prefix} names nothing; expected ${prefix}NAME=VALUE`)
        return [name.slice(prefix.length), this.one(name) ?? '']
      }),
    )
  }

  end(): void {
    for (const name of this.#values.keys())
      throw problem(`query key ${show(name)} is unknown; accepted are ${accepted}`)
  }
}

const withShape = (name: string, value: string | undefined, shape: RegExp, what: string) => {
  if (value === undefined || shape.test(value)) return value
  throw problem(`${name} is ${show(value)}; expected ${what}`)
}

const readAuthority = (value: string | undefined): string | undefined => {
  if (value === undefined || isAuthority(value)) return value
  throw problem(`authority is ${show(value)}; expected a host, or host:port`)
}

const readSubset = (value: string | undefined): PickerOptions['subset'] => {
  if (value === undefined) return undefined
  if (/^[1-9]\d{0,5}$/.test(value)) return { size: Number(value) }
  throw problem(`subset is ${show(value)}; expected how many instances, 1 to 999999`)
}

/** Removes undefined fields, so that options not given do not override others. */
const given = <T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

const readQuery = (text: string): Omit<ServiceTarget, 'service'> => {
  const query = new Query(text)
  const tags = query.all('tag')
  const filter = given<InstanceFilter>({
    version: query.one('version'),
    tags: tags.length > 0 ? tags : undefined,
    metadata: query.pairs('metadata.'),
  })
  const target = given<Omit<ServiceTarget, 'service'>>({
    picker: given<PickerOptions>({
      // the picker checks the names
      strategy: query.one('strategy') as PickerOptions['strategy'],
      zone: query.one('zone'),
      subset: readSubset(query.one('subset')),
      filter: Object.keys(filter).length > 0 ? filter : undefined,
    }),
    scheme: withShape('scheme', query.one('scheme'), schemeShape, 'a scheme like grpc or grpcs'),
    authority: readAuthority(query.one('authority')),
    key: withShape('key', query.one('key'), headerShape, 'the name of call metadata, lower case'),
  })
  query.end()
  return target
}

/**
 * Reads a target:
 *
 *     target = scheme ":///" service [ "?" key "=" value *( "&" key "=" value ) ]
 *
 * The service and all keys and values are percent-decoded; `+` is a plus. Keys: `version` (a semver
 * range), `tag` (repeatable: all must be there), `metadata.NAME`, `zone` (where the caller is),
 * `strategy`, `subset` (how many instances to use), `scheme` (of the endpoints), `authority`, `key`
 * (the call metadata that keeps calls on one instance).
 * @throws RegistryError `invalid-argument`, naming the part and what is accepted
 */
export const parseServiceTarget = (target: string): ServiceTarget => {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(target)?.[1]
  if (scheme === undefined)
    throw problem(`the target is ${show(target)}; expected a scheme and a service, ${example}`)
  const rest = target.slice(scheme.length + 1)
  const location = /^\/\/([^/?]*)(?:\/|$|(?=\?))/.exec(rest)
  const authority = location?.[1] ?? ''
  if (location === null || !rest.startsWith('//') || authority !== '')
    throw problem(
      authority === ''
        ? `the target is ${show(target)}; expected three slashes before the service, ${example}`
        : `the target has the authority ${show(authority)}; expected none: three slashes before the service, ${example}; a second registry has a scheme of its own`,
    )
  const path = rest.slice(location[0].length)
  const mark = path.indexOf('?')
  const service = readService(mark < 0 ? path : path.slice(0, mark), scheme)
  return { service, ...(mark < 0 ? { picker: {} } : readQuery(path.slice(mark + 1))) }
}
