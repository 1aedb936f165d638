import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { FoundCommand } from '../found-command.ts'
import { readUrl } from '../read-url.ts'
import { goRelease } from '../releases/go-release.ts'
import { runCommand } from '../run-command.ts'
import type { TestServer } from '../test-server.ts'
import { versionIn } from '../version-in.ts'

/**
 * Consul as a Go module. Its build takes six minutes of processor time, and 1.20 to 1.22 need
 * modules that are not published. Since 1.17 its licence is the BUSL: it is used as a test server
 * only, never shipped.
 */
const consul119 = goRelease({
  binary: 'consul',
  version: '1.19.2',
  onRequest: true,
  go: '1.22',
  module: 'github.com/hashicorp/consul',
  main: `package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/consul/command"
	"github.com/hashicorp/consul/command/cli"
	_ "github.com/hashicorp/consul/service_os"
	mcli "github.com/mitchellh/cli"
)

func main() {
	ui := &cli.BasicUI{BasicUi: mcli.BasicUi{Writer: os.Stdout, ErrorWriter: os.Stderr}}
	program := &mcli.CLI{Name: "consul", Args: os.Args[1:], Commands: command.RegisteredCommands(ui)}
	code, err := program.Run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
`,
  timeoutMs: 1_800_000,
})

/** A Consul server agent; a cluster's members find each other by `retry-join`. */
export const consul: TestServer = {
  name: 'consul',
  clientPort: 'http',
  images: { official: 'hashicorp/consul:1.19.2', local: 'sd-test/consul:1.8.7' },
  containerCommand: [],
  debian: { suite: 'bullseye', packages: ['consul'] }, // later suites do not have it
  releases: [consul119],
  install: 'consul on PATH or name it in SD_CONSUL_BIN',
  installed: (env) => binary(env['SD_CONSUL_BIN'] ?? 'consul'),
  unpacked: (root) => binary(join(root, 'usr/bin/consul')),
  ports: { http: 8500, dns: 8600, serf: 8301, wan: 8302, rpc: 8300 },
  args: (member) => [
    'agent',
    '-server',
    `-node=${member.name}`,
    `-node-id=${nodeId(member.name)}`,
    `-data-dir=${member.dataDir}`,
    `-bootstrap-expect=${member.members.length}`,
    `-client=${member.listen}`,
    // In a container: a go-sockaddr template for the address that the other members reach.
    member.driver === 'process' ? '-bind=127.0.0.1' : '-bind={{ GetInterfaceIP "eth0" }}',
    `-http-port=${member.port('http')}`,
    `-dns-port=${member.port('dns')}`,
    `-serf-lan-port=${member.port('serf')}`,
    `-serf-wan-port=${member.port('wan')}`,
    `-server-port=${member.port('rpc')}`,
    ...member.members
      .filter((other) => other !== member.name)
      .map((other) => `-retry-join=${member.fromPeers('serf', other)}`),
    // The default multiplier of 5 is meant for slow machines and makes elections take seconds.
    '-hcl=performance { raft_multiplier = 1 }',
    '-hcl=leave_on_terminate = false',
    '-retry-interval=1s',
    '-grpc-port=-1',
    ...(grpcTls(member.version) ? ['-grpc-tls-port=-1'] : []),
  ],
  ready: async (endpoints) =>
    (await readUrl(`http://${endpoints['http']}/v1/status/leader`)).length > 2,
}

/**
 * The same after the data was wiped. With the random one of a new data folder, an agent whose catalog
 * is restored from an older snapshot fails to synchronise: "Node name … is reserved by node …".
 */
function nodeId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [8, 12, 16, 20, 32].map((to, index) => hex.slice([0, 8, 12, 16, 20][index], to)).join('-')
}

async function binary(file: string): Promise<FoundCommand> {
  return { command: [file], version: versionIn(await runCommand(file, ['version'])) }
}

/**
 * Since 1.14 a server listens on another fixed port, on which several servers on one host collide.
 */
function grpcTls(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 1 || minor >= 14
}
