import { type Host, readHostList } from './host-list.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues, UrlGrammar } from './url-grammar.ts'
import { decodePiece, splitPiece, subPiece, type UrlPiece, urlProblem } from './url-piece.ts'

/** The decoded parts of a URL with hosts. */
export interface HostsUrl {
  readonly hosts: readonly Host[]
  readonly namespace?: string
  readonly username?: string
  readonly password?: string
}

const readUserInfo = (piece: UrlPiece): Pick<HostsUrl, 'username' | 'password'> => {
  const again = piece.text.indexOf('@')
  if (again >= 0) throw urlProblem(piece.at + again, 'an @ in a user or password is written %40')
  const colon = piece.text.indexOf(':')
  const username = decodePiece(subPiece(piece, 0, colon < 0 ? undefined : colon), 'user')
  const password = colon < 0 ? '' : decodePiece(subPiece(piece, colon + 1), 'password')
  if (username === '' && password === '')
    throw urlProblem(piece.at, 'expected user:password before the @')
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) }
}

/** Reads `/a/b` as `a/b`. Ignores a trailing slash. */
const readNamespace = (path: UrlPiece): string | undefined => {
  if (path.text === '' || path.text === '/') return undefined
  const inner = subPiece(path, 1, path.text.endsWith('/') ? -1 : undefined)
  const empty = splitPiece(inner, '/').find(({ text }) => text === '')
  if (empty !== undefined) throw urlProblem(empty.at, 'the namespace has an empty part')
  return decodePiece(inner, 'namespace')
}

const readLocation = (location: UrlPiece, defaultPort: number, mayLackHosts: boolean): HostsUrl => {
  if (!location.text.startsWith('//')) throw urlProblem(location.at, 'expected // and a host')
  const slash = location.text.indexOf('/', 2)
  const authority = subPiece(location, 2, slash < 0 ? undefined : slash)
  const path = subPiece(location, slash < 0 ? location.text.length : slash)
  const at = authority.text.lastIndexOf('@')
  const namespace = readNamespace(path)
  const hosts = subPiece(authority, at + 1)
  return {
    ...(at < 0 ? {} : readUserInfo(subPiece(authority, 0, at))),
    hosts: mayLackHosts && hosts.text === '' ? [] : readHostList(hosts, defaultPort),
    ...(namespace === undefined ? {} : { namespace }),
  }
}

/** The options of a backend whose URLs have hosts. */
export interface HostsGrammarOptions<Config> {
  /** The port of a host without one. */
  readonly defaultPort: number
  readonly query: Readonly<Record<string, QueryKind>>
  /** The form of the URL, as shown in messages. Default: any number of hosts. */
  readonly form?: string
  /** Whether the list of hosts may be empty. Default false. */
  readonly mayLackHosts?: boolean
  /** Builds the backend's configuration. `at` is the position of the hosts, for errors. */
  readonly toConfig: (url: HostsUrl, query: QueryValues, at: number) => Config
}

/** URLs with hosts: `//[user:password@]host[:port],…[/namespace]`. */
export const hostsGrammar = <Config>({
  defaultPort,
  query,
  form = '//[user:password@]host[:port],...[/namespace]',
  mayLackHosts = false,
  toConfig,
}: HostsGrammarOptions<Config>): UrlGrammar<Config> => ({
  form,
  query,
  read: (location, values) =>
    toConfig(readLocation(location, defaultPort, mayLackHosts), values, location.at),
})
