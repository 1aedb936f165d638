// A third party's server: answers each line with what follows `echo `, or with how often it was started.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createPlain } from 'node:net'
import { createServer as createSecure } from 'node:tls'
import { join } from 'node:path'

const [host, port, dataDir, confDir] = process.argv.slice(2)
const file = join(dataDir, 'starts')
const starts = existsSync(file) ? Number(readFileSync(file, 'utf8')) + 1 : 1
writeFileSync(file, String(starts))

const serve = (socket) => {
  socket.on('error', () => {})
  socket.on('data', (data) => {
    const line = data.toString().trim()
    socket.write(line.startsWith('echo ') ? line.slice(5) : String(starts))
  })
}

const readPem = (name) => readFileSync(join(confDir, name), 'utf8')
const server = existsSync(join(confDir, 'server.key'))
  ? createSecure({ cert: readPem('server.crt'), key: readPem('server.key') }, serve)
  : createPlain(serve)
server.listen(Number(port), host)
