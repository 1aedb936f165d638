import type { TestServer } from '../test-server.ts'
import type { Release } from './release.ts'

/**
 * The release of `server` that the environment asks for, if any: `SD_TEST_ETCD_VERSION=3.7` (or
 * `current`) for one kind, else `SD_TEST_VERSIONS=current` for all of them. Throws when there is no
 * such release.
 */
export function wantedRelease(server: TestServer, env: NodeJS.ProcessEnv): Release | undefined {
  const variable = `SD_TEST_${server.name.toUpperCase()}_VERSION`
  const { [variable]: own, SD_TEST_VERSIONS: all } = env
  if (all && all !== 'current')
    throw new Error(`SD_TEST_VERSIONS=${all}: expected 'current'; ${variable} names one version`)
  if (!own) return all ? server.releases.find(({ onRequest }) => !onRequest) : undefined
  const found = server.releases.find(
    ({ version }) => own === 'current' || `${version}.`.startsWith(`${own}.`),
  )
  if (found) return found
  const known = server.releases.map(({ version }) => version).join(', ')
  throw new Error(
    `${variable}=${own} is unknown; expected one of ${known}, or unset it for the release of Debian`,
  )
}
