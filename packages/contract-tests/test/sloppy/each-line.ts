import type { Socket } from 'node:net'

/** Calls `heard` with each line that arrives; an incomplete last line is dropped. */
export const eachLine = (socket: Socket, heard: (line: string) => void): void => {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) heard(line)
  })
}
