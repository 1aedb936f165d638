import { connect } from 'node:net'
import { join } from 'node:path'
import type { Member, TlsOptions } from '@sd/contract-tests/servers'
import { mavenRelease } from '../releases/maven-release.ts'
import type { TestServer } from '../test-server.ts'
import { zookeeperCommand } from './zookeeper-command.ts'

const zookeeper39 = mavenRelease({
  version: '3.9.5',
  artifacts: [
    'org.apache.zookeeper:zookeeper:3.9.5',
    // ZooKeeper does not declare these dependencies, and does not start without them
    'io.dropwizard.metrics:metrics-core:4.1.12.1',
    'org.xerial.snappy:snappy-java:1.1.10.5',
    'org.slf4j:slf4j-simple:2.0.13', // for its log, which a failed start shows
  ],
  command: (jars, env) => zookeeperCommand(jars, env['SD_JAVA'], /./),
})

const configured = (settings: readonly string[]): TestServer => ({
  name: 'zookeeper',
  clientPort: 'client',
  images: { official: 'zookeeper:3.9.5', local: 'sd-test/zookeeper:3.9.3' },
  debian: { suite: 'trixie', packages: ['libzookeeper-java'] },
  releases: [zookeeper39],
  install:
    'Java and ZooKeeper (Debian: apt-get install default-jre-headless libzookeeper-java) or name the folder of its jars in SD_ZOOKEEPER_JARS',
  installed: (env) =>
    zookeeperCommand(env['SD_ZOOKEEPER_JARS'] ?? '/usr/share/java', env['SD_JAVA']),
  unpacked: (root, env) => zookeeperCommand(join(root, 'usr/share/java'), env['SD_JAVA']),
  containerCommand: [], // the image reads /conf/zoo.cfg and /data/myid
  ports: { client: 2181, plain: 2182, quorum: 2888, election: 3888 },
  tls: true,
  env: () => ({ JVMFLAGS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' }),
  args: (member) => (member.driver === 'process' ? [`${member.confDir}/zoo.cfg`] : []),
  files: (member, { tls }) => ({
    [`${member.dataDir}/myid`]: String(member.members.indexOf(member.name) + 1),
    [`${member.confDir}/zoo.cfg`]: [
      `dataDir=${member.dataDir}`,
      'initLimit=20',
      'admin.enableServer=false',
      '4lw.commands.whitelist=*',
      ...settings,
      ...(tls ? tlsSettings(member, tls) : [`clientPort=${member.port('client')}`]),
      `clientPortAddress=${member.listen}`,
      ...(member.members.length === 1
        ? []
        : member.members.map((other, index) => {
            const election = member.fromPeers('election', other).split(':')[1]
            return `server.${index + 1}=${member.fromPeers('quorum', other)}:${election}`
          })),
      '',
    ].join('\n'),
    ...(tls && {
      [`${member.confDir}/server.pem`]: `${tls.key}\n${tls.cert}\n`,
      [`${member.confDir}/authority.pem`]: `${tls.ca ?? tls.cert}\n`,
    }),
  }),
  // with TLS only the plain port answers this, before the other one is open
  ready: async (endpoints) =>
    (await serves(endpoints['client'])) ||
    ((await serves(endpoints['plain'])) && (await accepts(endpoints['client']))),
})

/** A ZooKeeper server, or an ensemble, that answers early. All four-letter commands are allowed. */
export const zookeeper: TestServer = configured([
  'tickTime=500',
  'syncLimit=4',
  'minSessionTimeout=1000',
  'forceSync=no',
])

/**
 * The same with the settings that deployments have: every write is on the disk of most members before
 * it is answered.
 */
export const durableZooKeeper: TestServer = configured(['tickTime=2000', 'syncLimit=5'])

/** A plain port for four-letter commands, and the client's port with TLS. */
const tlsSettings = (member: Member, { ca, clientCertAuth }: TlsOptions): readonly string[] => [
  `clientPort=${member.port('plain')}`,
  `secureClientPort=${member.port('client')}`,
  `secureClientPortAddress=${member.listen}`,
  'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
  `ssl.keyStore.location=${member.confDir}/server.pem`,
  'ssl.keyStore.type=PEM',
  `ssl.trustStore.location=${member.confDir}/authority.pem`,
  'ssl.trustStore.type=PEM',
  `ssl.clientAuth=${clientCertAuth && ca ? 'need' : 'none'}`,
]

const serves = (endpoint = ''): Promise<boolean> =>
  new Promise((resolve) => {
    const [host, port] = endpoint.split(':')
    const socket = connect(Number(port), host)
    let answer = ''
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('connect', () => socket.write('srvr'))
    socket.on('data', (data) => (answer += data.toString()))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => resolve(answer.includes('Mode: ')))
  })

const accepts = (endpoint = ''): Promise<boolean> =>
  new Promise((resolve) => {
    const [host, port] = endpoint.split(':')
    const socket = connect(Number(port), host)
    const settle = (isAccepted: boolean): void => {
      socket.destroy()
      resolve(isAccepted)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
