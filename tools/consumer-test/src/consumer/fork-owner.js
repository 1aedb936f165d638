// Starts an owner process, has it killed, and shows what it did: run with the file it writes to.
import { readFileSync } from 'node:fs'
import { forkOwner } from '@sd/contract-tests'

const [file] = process.argv.slice(2)
const owner = await forkOwner({
  module: new URL('telling-backend.js', import.meta.url).href,
  factory: 'tellingBackend',
  config: { file, namespace: 'forked' },
  instance: { service: 'orders', id: 'orders-1', endpoints: ['http://10.0.0.7:8080'] },
  ttlMs: 5_000,
})
const [pid, service, id] = readFileSync(file, 'utf8').trim().split(' ')
process.kill(Number(pid), 0) // throws unless it lives
console.log(Number(pid) === process.pid ? 'this process' : 'another process', service, id)

await owner.kill()
try {
  process.kill(Number(pid), 0)
} catch (error) {
  console.log(error.code)
}

await forkOwner({
  module: new URL('telling-backend.js', import.meta.url).href,
  factory: 'noSuchExport',
  config: {},
  instance: { service: 'orders', endpoints: ['http://10.0.0.7:8080'] },
  ttlMs: 5_000,
}).catch((error) => console.log(/has no export noSuchExport/.exec(error.message)?.[0]))
