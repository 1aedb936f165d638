import type { TlsFiles } from '../registry-config.ts'
import type { HostsUrl } from './hosts-grammar.ts'
import type { QueryKind } from './query-value.ts'
import type { QueryValues } from './url-grammar.ts'
import { urlProblem } from './url-piece.ts'

/** The query keys of backends with TLS: `tls=true` turns it on; the others name PEM files. */
export const tlsQuery: Readonly<Record<string, QueryKind>> = {
  tls: 'boolean',
  ca: 'text',
  cert: 'text',
  key: 'text',
}

/** The result of `httpEndpoints`. */
export interface HttpEndpoints extends Omit<HostsUrl, 'hosts'> {
  /** `http://host:port`, or `https:` with TLS. */
  readonly endpoints: readonly string[]
  readonly tlsFiles?: TlsFiles
}

/** Whether `tls=true` is given, and the files that `ca`, `cert` and `key` name. */
export const tlsOf = (
  query: QueryValues,
  at: number,
): { readonly secure: boolean; readonly tlsFiles?: TlsFiles } => {
  const secure = query.get('tls') === true
  const files: Record<string, string> = {}
  for (const field of ['ca', 'cert', 'key']) {
    const file = query.get(field)
    if (typeof file !== 'string') continue
    if (!secure) throw urlProblem(at, `${field} is given without tls=true`)
    files[field] = file
  }
  return { secure, ...(Object.keys(files).length > 0 ? { tlsFiles: files } : {}) }
}

/** Builds the configuration of a backend with an HTTP API, with or without TLS. */
export const httpEndpoints = (
  { hosts, ...rest }: HostsUrl,
  query: QueryValues,
  at: number,
): HttpEndpoints => {
  const { secure, ...files } = tlsOf(query, at)
  return {
    ...rest,
    endpoints: hosts.map(({ host, port }) => `${secure ? 'https' : 'http'}://${host}:${port}`),
    ...files,
  }
}
