import { ConfigCheck } from '@sd/core/driver'
import { backend } from './errors.ts'

/** What `sqlite` takes. */
export interface SqliteConfig {
  /** The server, `http://host:port`. */
  readonly endpoint: string
  /** Instances of different namespaces never see each other. Default `services`. */
  readonly namespace?: string | undefined
}

const fields = ['endpoint', 'namespace']

const check = new ConfigCheck(backend)

/**
 * `value` as a configuration. Throws `invalid-config`, which names the field, what was given and
 * what is accepted, and never shows a credential; a field that is not known is refused.
 */
export const validateSqliteConfig = (value: unknown): SqliteConfig => {
  const { endpoint, namespace } = check.object(value, fields)
  if (typeof endpoint !== 'string' || !/^https?:\/\/[^/@]+$/.test(endpoint))
    return check.expected('endpoint', endpoint, 'http://host:port')
  return { endpoint, namespace: check.namespace(namespace ?? 'services') }
}
