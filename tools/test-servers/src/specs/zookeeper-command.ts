import { readdir } from 'node:fs/promises'
import { runCommand } from '../run-command.ts'
import type { FoundCommand } from '../found-command.ts'
import { versionIn } from '../version-in.ts'

const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/**
 * Selects from Debian's jars only those that ZooKeeper needs: /usr/share/java may hold hundreds.
 */
const fromDebian =
  /^(zookeeper|slf4j-(api|simple)|netty-|snappy|metrics-core|commons-(cli|io)|jackson-|jetty9-|guava|servlet|log4j)/

/**
 * The command that runs ZooKeeper with the jars of a folder whose names are `needed`, on this
 * machine's Java.
 */
export async function zookeeperCommand(
  jars: string,
  java = 'java',
  needed: RegExp = fromDebian,
): Promise<FoundCommand> {
  const names = await readdir(jars).catch((): string[] => [])
  const jar = names.find((name) => /^zookeeper-\d.*\.jar$/.test(name))
  if (!jar) throw new Error(`no zookeeper-*.jar in ${jars}`)
  await runCommand(java, ['-version']).catch((error: unknown) => {
    throw new Error(`Java does not run: ${String(error)}`)
  })
  return {
    command: [java, ...flags, '-cp', classPath(jars, names, needed), main],
    version: versionIn(jar),
  }
}

/**
 * The jars that ZooKeeper needs, its own first. The manifests of Debian's jars name others by
 * absolute path, among them `/usr/share/java/zookeeper-jute.jar`. On a machine with another
 * release, that release's classes would therefore come before those of later jars in `folder`.
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
