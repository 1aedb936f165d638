import { request } from 'node:http'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** A call of etcd's JSON gateway, on a connection of its own; rejects without a whole answer. */
export function callEtcd(
  endpoint: string | undefined,
  path: string,
  body: object,
  deadlineMs = 2000,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent: false, signal: AbortSignal.timeout(deadlineMs) }
    const call = request(`http://${endpoint}/v3/${path}`, options, (response) => {
      let text = ''
      response.on('data', (data: Buffer) => (text += data.toString()))
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>)
        else reject(new Error(`${response.statusCode}: ${text}`))
      })
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}

/** Writes a key. */
export async function put(endpoint: string | undefined, key: string, value: string): Promise<void> {
  await callEtcd(endpoint, 'kv/put', { key: base64(key), value: base64(value) })
}

/** A key's value, if it has one. */
export async function read(endpoint: string | undefined, key: string): Promise<string | undefined> {
  const answer = await callEtcd(endpoint, 'kv/range', { key: base64(key) })
  const value = (answer['kvs'] as { value: string }[] | undefined)?.[0]?.value
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
}
