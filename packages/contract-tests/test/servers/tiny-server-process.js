import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const [name, host, port, dataDir, conf, peers, ...more] = process.argv.slice(2)
const file = join(dataDir, 'count')
const before = (() => {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
})()
writeFileSync(file, String(before + 1))
console.log(`${name} starts, ${more.join()}`)
if (more.includes('--fail')) throw new Error('asked to fail')
const answers = {
  name,
  peers,
  conf: readFileSync(conf, 'utf8'),
  count: String(before + 1),
  env: `${process.env.TINY} ${process.env.MORE}`,
  pid: String(process.pid),
}
createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (data) => socket.write(answers[data.toString()] ?? '?'))
}).listen(Number(port), host)
