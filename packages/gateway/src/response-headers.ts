import { connectionListed, isHopByHop } from './hop-by-hop.ts'

/**
 * The headers of a response for the client, as a flat list: without those that concern only the
 * instance's connection. A length beside `Transfer-Encoding` is dropped, as the two contradict each
 * other (RFC 9112, 6.3).
 */
export const responseHeaders = (raw: readonly (Buffer | string)[]): string[] => {
  const texts = raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
  const listed = connectionListed(texts)
  const headers: string[] = []
  let [chunked, lengthAt] = [false, -1]
  for (let i = 0; i < texts.length; i += 2) {
    const given = texts[i] as string
    const name = given.toLowerCase()
    if (name === 'transfer-encoding') chunked = true
    if (isHopByHop(name) || listed?.has(name)) continue
    if (name === 'content-length') lengthAt = headers.length
    headers.push(given, texts[i + 1] as string)
  }
  if (chunked && lengthAt !== -1) headers.splice(lengthAt, 2)
  return headers
}
