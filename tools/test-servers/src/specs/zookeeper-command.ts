import { readdir } from 'node:fs/promises'
import { runCommand } from '../run-command.ts'
import type { FoundCommand } from '../found-command.ts'
import { versionIn } from '../version-in.ts'

const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** Only what ZooKeeper needs, of Debian's jars: a machine's whole /usr/share/java may hold hundreds of jars. */
const fromDebian =
  /^(zookeeper|slf4j-(api|simple)|netty-|snappy|metrics-core|commons-(cli|io)|jackson-|jetty9-|guava|servlet|log4j)/

/** The command that runs ZooKeeper from those jars of a folder whose name is `needed`, with a Java of this machine. */
export async function zookeeperCommand(
  jars: string,
  java = 'java',
  needed: RegExp = fromDebian,
): Promise<FoundCommand> {
  const names = await readdir(jars).catch((): string[] => [])
  const jar = names.find((name) => /^zookeeper-\d.*\.jar$/.test(name))
  if (!jar) throw new Error(`no zookeeper-*.jar in ${jars}`)
  await runCommand(java, ['-version']).catch((error: unknown) => {
    throw new Error(`no Java that runs: ${String(error)}`)
  })
  return {
    command: [java, ...flags, '-cp', classPath(jars, names, needed), main],
    version: versionIn(jar),
  }
}

/**
 * The jars that ZooKeeper needs, its own first. Debian's jars name others in their manifests by
 * absolute path, `/usr/share/java/zookeeper-jute.jar` among them: on a machine where another release is
 * installed, that one's classes would come before those of the jars in `folder` that stand later.
 */
export function classPath(
  folder: string,
  names: readonly string[],
  needed: RegExp = fromDebian,
): string {
  const place = (name: string): number =>
    name.startsWith('zookeeper-jute') ? 0 : name.startsWith('zookeeper') ? 1 : 2
  return names
    .filter((name) => name.endsWith('.jar') && needed.test(name))
    .toSorted((one, other) => place(one) - place(other) || (one < other ? -1 : 1))
    .map((name) => `${folder}/${name}`)
    .join(':')
}
