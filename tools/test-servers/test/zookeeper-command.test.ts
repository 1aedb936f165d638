import { expect, test } from 'vitest'
import { classPath } from '../src/specs/zookeeper-command.ts'

test("the class path has ZooKeeper's own jars before those whose manifests add others", () => {
  const names = [
    'ant.jar',
    'guava.jar',
    'netty-all.jar',
    'zookeeper-3.9.3.jar',
    'zookeeper-jute-3.9.3.jar',
    'zookeeper.txt',
  ]
  expect(classPath('/jars', names)).toBe(
    '/jars/zookeeper-jute-3.9.3.jar:/jars/zookeeper-3.9.3.jar:/jars/guava.jar:/jars/netty-all.jar',
  )
})
