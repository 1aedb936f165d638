/** The body of a plain GET, or an empty string unless the status is 2xx; rejects after a second. */
export async function readUrl(url: string): Promise<string> {
  // One connection per request: a pooled one would fail when its server ends.
  const response = await fetch(url, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(1000),
  })
  const body = await response.text()
  return response.ok ? body : ''
}
