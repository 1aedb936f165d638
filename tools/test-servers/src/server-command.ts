import { readdir } from 'node:fs/promises'
import type { Backend } from './backend.ts'
import { runCommand } from './run-command.ts'

/** The command that runs `backend`'s binary, and the version it says it has. */
export async function binaryCommand(
  backend: Exclude<Backend, 'zookeeper'>,
  binary: string,
): Promise<{ command: readonly string[]; version: string }> {
  const text = await runCommand(binary, [backend === 'etcd' ? '--version' : 'version'])
  return { command: [binary], version: versionIn(text) }
}

/** The command that runs ZooKeeper from a folder of jars with a Java of this machine. */
export async function zookeeperCommand(
  jars: string,
  java: string,
): Promise<{ command: readonly string[]; version: string }> {
  const names = await readdir(jars).catch((): string[] => [])
  const jar = names.find((name) => /^zookeeper-\d.*\.jar$/.test(name))
  if (!jar) throw new Error(`no zookeeper-*.jar in ${jars}`)
  await runCommand(java, ['-version']).catch((error: unknown) => {
    throw new Error(`no Java that runs: ${String(error)}`)
  })
  const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
  const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  return {
    command: [java, ...flags, '-cp', classPath(jars, names), main],
    version: versionIn(jar),
  }
}

/** The first version number in a text: `3.5.16`. */
export function versionIn(text: string): string {
  const version = /\d+\.\d+(\.\d+)?/.exec(text)?.[0]
  if (!version) throw new Error(`no version in: ${text.slice(0, 200)}`)
  return version
}

/** Only what ZooKeeper needs: a machine's whole /usr/share/java may hold hundreds of jars. */
function classPath(folder: string, names: readonly string[]): string {
  const needed =
    /^(zookeeper|slf4j-(api|simple)|netty-|snappy|metrics-core|commons-(cli|io)|jackson-|jetty9-|guava|servlet|log4j)/
  return names
    .filter((name) => name.endsWith('.jar') && needed.test(name))
    .map((name) => `${folder}/${name}`)
    .join(':')
}
