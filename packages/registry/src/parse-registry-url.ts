import { suggestion } from '@sd/core/driver'
import { type Backend, backendNames, findBackend } from './backends.ts'
import type { RegistryConfig } from './registry-config.ts'
import { type QueryValue, readQueryValue } from './url/query-value.ts'
import { commonOptions, commonQuery, type QueryValues } from './url/url-grammar.ts'
import { splitPiece, subPiece, type UrlPiece, urlProblem } from './url/url-piece.ts'

const example = 'like etcd://host:2379/services?ttl=10s'
const credentialKeys: ReadonlySet<string> = new Set(['user', 'username', 'password', 'token'])

const checkCharacters = (url: string): void => {
  if (url === '') throw urlProblem(0, `it is empty; expected one ${example}`)
  if (!url.isWellFormed()) throw urlProblem(0, 'it is not well-formed Unicode')
  const odd = /[\s\p{Cc}#]/u.exec(url)
  if (odd !== null)
    throw urlProblem(
      odd.index,
      odd[0] === '#'
        ? 'a # has no meaning here; within a name it is written %23'
        : 'white space and control characters must be percent-encoded',
    )
}

const readScheme = (url: string): { scheme: string; backend: Backend } => {
  const given = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]
  if (given === undefined) throw urlProblem(0, `it has no scheme; expected one ${example}`)
  const scheme = given.toLowerCase()
  const backend = findBackend(scheme)
  if (backend !== undefined) return { scheme, backend }
  const hint = /https|tls|s$/.test(scheme) ? '; TLS is enabled with ?tls=true' : ''
  throw urlProblem(
    0,
    `unknown backend "${scheme.slice(0, 40)}"${suggestion(scheme, backendNames)}${hint}`,
  )
}

/** Rejects a misplaced @: it may end a password that contains an unencoded / or ?. */
const checkStrayAt = (location: UrlPiece, query: UrlPiece): void => {
  const slash = location.text.startsWith('//') ? location.text.indexOf('/', 2) : -1
  const afterHosts = subPiece(location, slash < 0 ? location.text.length : slash)
  for (const { text, at } of [afterHosts, query]) {
    const stray = text.indexOf('@')
    if (stray >= 0)
      throw urlProblem(
        at + stray,
        'an @ after the hosts is written %40, and a / or ? in a user or password %2F or %3F',
      )
  }
}

const readQuery = (query: UrlPiece, { url }: Backend): QueryValues => {
  const values = new Map<string, QueryValue>()
  if (query.text === '') return values
  const known = [...Object.keys(commonQuery), ...Object.keys(url.query)]
  for (const pair of splitPiece(query, '&')) {
    const equals = pair.text.indexOf('=')
    const name = pair.text.slice(0, equals < 0 ? undefined : equals)
    if (name === '') throw urlProblem(pair.at, 'expected key=value')
    const kind = Object.hasOwn(url.query, name)
      ? url.query[name]
      : Object.hasOwn(commonQuery, name)
        ? commonQuery[name]?.kind
        : undefined
    // text that does not look like a key may be part of a password
    const shown = /^[\w-]{1,40}$/.test(name) ? `"${name}"` : 'with unusual characters'
    if (kind === undefined)
      throw urlProblem(
        pair.at,
        credentialKeys.has(name)
          ? `unknown key ${shown}; credentials belong before the host: user:password@host`
          : `unknown key ${shown}${suggestion(name, known)}`,
      )
    if (values.has(name)) throw urlProblem(pair.at, `${name} is given twice`)
    if (equals < 0) throw urlProblem(pair.at, `expected a value: ${name}=...`)
    values.set(name, readQueryValue(name, kind, subPiece(pair, equals + 1)))
  }
  return values
}

/**
 * Parses a URL into a configuration. Pure: reads no file and looks nothing up.
 *
 *     url       = backend ":" location [ "?" key "=" value *( "&" key "=" value ) ]
 *     location  = "//" [ user [ ":" password ] "@" ] host *( "," host ) [ "/" namespace ]   etcd,
 *                                                                                         zookeeper
 *               | "//" [ ":" token "@" ] host [ "/" namespace ]                           consul
 *               | "///" [ namespace ]                                      with a `socket`: consul
 *               | [ name ]                                                                memory
 *               | [ "///" path ]                                                          sqlite
 *     host      = ( name | IPv4 | "[" IPv6 "]" ) [ ":" port ]
 *
 * User, password, namespace, name and values are percent-decoded; `+` is a plus. The table in
 * `backends.ts` has the grammar of each backend. `commonQuery` has the query keys that all backends
 * accept: `format` (the name of a format that the backend carries), `ttl`, `call-timeout`, `close-timeout`, `backoff-min`, `backoff-max`, `hold`, `max-block` (durations:
 * `500ms`, `10s`, `1m`, `1h`), `max-fraction` (0…1), `min-instances`, `loss-protection` (`true`,
 * `false`), `heartbeat` (`loop`, or `worker` where the backend has one). etcd, zookeeper and consul add `tls` and the PEM files `ca`, `cert`, `key`; consul also
 * `datacenter`, `consistency` and `socket`; zookeeper also `auth`, `world-readable` and `server-name`;
 * memory and sqlite add `namespace`.
 * `createRegistry` checks ranges. Pass an option that a URL cannot express, like a logger, next to the
 * URL: `createRegistry({ url, logger })`.
 *
 * @throws RegistryError `invalid-config` with the character's position (from 1) and what is
 * expected; never with credentials
 */
export const parseRegistryUrl = (url: string): RegistryConfig => {
  checkCharacters(url)
  const { scheme, backend } = readScheme(url)
  const whole: UrlPiece = { text: url, at: 0 }
  const mark = url.indexOf('?')
  const location = subPiece(whole, scheme.length + 1, mark < 0 ? undefined : mark)
  const query = subPiece(whole, mark < 0 ? url.length : mark + 1)
  if (mark >= 0 && query.text === '') throw urlProblem(query.at, 'expected key=value after the ?')
  checkStrayAt(location, query)
  const values = readQuery(query, backend)
  return {
    ...commonOptions(values, query.at),
    ...backend.url.read(location, values),
    backend: scheme,
    // the table types the grammar's result; the scheme is its key
  } as RegistryConfig
}
