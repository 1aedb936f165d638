import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Benchmark, Values, World } from '../frame/benchmark.ts'

/** Starts a program; returns the milliseconds until it has printed its first line. */
const timeStart = async (file: string, args: readonly string[], input = ''): Promise<number> => {
  const beganMs = performance.now()
  const child = spawn(file, [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.write(input)
  const [text] = (await once(child.stdout, 'data')) as [Buffer]
  const tookMs = performance.now() - beganMs
  child.kill()
  await once(child, 'exit')
  if (!/registered|"done"/.test(text.toString())) throw new Error(`it printed ${text.toString()}`)
  return tookMs
}

const rawProgram = `
  import { Etcd3 } from 'etcd3'
  const [endpoint, namespace] = process.argv.slice(-2)
  const client = new Etcd3({ hosts: 'http://' + endpoint })
  const lease = client.lease(10)
  await lease.put(namespace + '/orders/a').value('{"endpoints":["http://10.0.0.1:80"]}')
  console.log('registered')
`

const registryProgram = `
  import { Registry } from '@sd/core'
  import { etcd } from '@sd/etcd'
  const [endpoint, namespace] = process.argv.slice(-2)
  const registry = new Registry(etcd({ endpoints: ['http://' + endpoint], namespace }))
  await registry.register({ service: 'orders', endpoints: ['http://10.0.0.1:80'] })
  console.log('registered')
`

const emptyProgram = `console.log('registered')`

const node = (program: string) => ({
  run: async ({ endpoint, namespace }: World): Promise<Values> => {
    const args = ['--no-warnings', '--input-type=module', '-e', program, endpoint, namespace]
    return { start: await timeStart(process.execPath, args) }
  },
})

const goNaming = async ({ endpoint, namespace, peers }: World): Promise<Values> => {
  const [file = '', ...fixed] = peers.go ?? []
  const instance = { id: 'a', name: namespace, endpoints: ['10.0.0.1:80'] }
  const args = [...fixed, 'etcd-naming', 'register', '--server', endpoint]
  return { start: await timeStart(file, args, `register ${JSON.stringify(instance)}\n`) }
}

export const benchmark: Benchmark = {
  title: 'From the start of a process to registered on etcd',
  about:
    'A new process imports the client, opens a connection and a lease, and writes one instance. The first side is a Node.js process that only prints a line.',
  server: 'etcd',
  samples: 9,
  sides: {
    'Node.js alone': node(emptyProgram),
    etcd3: node(rawProgram),
    '@sd': node(registryProgram),
    "Go's naming": { needs: 'go', run: goNaming },
  },
  rows: {
    start: {
      what: 'start to registered',
      unit: 'ms',
      goals: [{ side: '@sd', atMost: 150 }],
      remains:
        'the start of Node.js, which the first side shows, and the import of `@sd/core` and `@sd/etcd`. `node:http2` and what it loads take a fifth of the CPU time of that import. `node:http`, which core imported for its checks, took as much again, as its export `WebSocket` loads undici; core loads it with the first check now. What remains is the number of files: 116 modules, each of which is found, read and compiled by itself. Both packages in one file take half of the CPU time (68 instead of 126 ms on a busy machine). The packages are not published so: stack traces, source maps and the profiles of this page name the files of the source.',
    },
  },
}
