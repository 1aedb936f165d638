import { join } from 'node:path'
import type { LaunchOptions, Member } from '@sd/contract-tests/servers'
import type { FoundCommand } from '../found-command.ts'
import { readUrl } from '../read-url.ts'
import { goRelease } from '../releases/go-release.ts'
import type { Release } from '../releases/release.ts'
import { runCommand } from '../run-command.ts'
import type { TestServer } from '../test-server.ts'
import { versionIn } from '../version-in.ts'

/** etcd 3.4 and up. `endpoints.metrics` serves /health and /metrics in plain HTTP, even with TLS. */
export const etcd: TestServer = {
  name: 'etcd',
  clientPort: 'client',
  images: { official: 'quay.io/coreos/etcd:v3.7.3', local: 'sd-test/etcd:3.5.16' },
  containerCommand: ['/usr/local/bin/etcd'],
  // The arguments below depend on the version, and only this image certainly has no entrypoint.
  versionCommand: ['/usr/local/bin/etcd', '--version'],
  debian: { suite: 'trixie', packages: ['etcd-server', 'etcd-client'] },
  releases: [goEtcd('3.7.3', '1.26'), goEtcd('3.6.9', '1.24')],
  install: 'etcd on PATH (Debian: apt-get install etcd-server) or name it in SD_ETCD_BIN',
  installed: (env) => binary(env['SD_ETCD_BIN'] ?? 'etcd'),
  unpacked: (root) => binary(join(root, 'usr/bin/etcd')),
  ports: { client: 2379, peer: 2380, metrics: 2381 },
  tls: true,
  args: (member, options) => {
    const scheme = options.tls ? 'https' : 'http'
    const peers = member.members.map((name) => `${name}=http://${member.fromPeers('peer', name)}`)
    return [
      `--name=${member.name}`,
      `--data-dir=${member.dataDir}/etcd`,
      `--listen-client-urls=${scheme}://${member.listen}:${member.port('client')}`,
      // Addresses that the host can reach: clients learn them from the member list.
      `--advertise-client-urls=${scheme}://${member.fromHost('client')}`,
      `--listen-peer-urls=http://${member.listen}:${member.port('peer')}`,
      `--initial-advertise-peer-urls=http://${member.fromPeers('peer', member.name)}`,
      `--initial-cluster=${peers.join(',')}`,
      `--listen-metrics-urls=http://${member.listen}:${member.port('metrics')}`,
      // The default timeout of 1000 ms makes every restart wait for 1-2 s.
      '--heartbeat-interval=50',
      '--election-timeout=500',
      // Tests need no disk flushes, but 3.4 has no option for that; its default logger is
      // deprecated.
      ...(isBefore35(member.version) ? ['--logger=zap'] : ['--unsafe-no-fsync']),
      ...tlsArgs(member, options),
    ]
  },
  files: (member, { tls }) => {
    if (!tls) return {}
    return {
      [`${member.confDir}/server.crt`]: tls.cert,
      [`${member.confDir}/server.key`]: tls.key,
      ...(tls.ca === undefined ? {} : { [`${member.confDir}/ca.crt`]: tls.ca }),
    }
  },
  // A test may have filled the quota on purpose: such a server is still ready.
  ready: async (endpoints) =>
    (await readUrl(`http://${endpoints['metrics']}/health?exclude=NOSPACE`)).includes('"true"'),
}

/** etcd as a Go module: `go install` cannot install its own `main` package. */
function goEtcd(version: string, go: string): Release {
  return goRelease({
    binary: 'etcd',
    version,
    go,
    module: 'go.etcd.io/etcd/server/v3',
    main: `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
`,
    timeoutMs: 600_000,
  })
}

async function binary(file: string): Promise<FoundCommand> {
  return { command: [file], version: versionIn(await runCommand(file, ['--version'])) }
}

function tlsArgs(member: Member, { tls }: LaunchOptions): string[] {
  if (!tls) return []
  return [
    `--cert-file=${member.confDir}/server.crt`,
    `--key-file=${member.confDir}/server.key`,
    ...(tls.ca === undefined ? [] : [`--trusted-ca-file=${member.confDir}/ca.crt`]),
    ...(tls.clientCertAuth ? ['--client-cert-auth'] : []),
  ]
}

function isBefore35(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 3 || (major === 3 && minor < 5)
}
