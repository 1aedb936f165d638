import type { Exchange } from './exchange.ts'
import { clientAddress } from './forwarded.ts'

/** Formats of the access log: one JSON object per line, or Apache's Combined Log Format. */
export type AccessLogFormat = 'json' | 'combined'

/** How requests are logged. */
export interface AccessLogOptions {
  readonly format: AccessLogFormat
  /** Receives whole lines, each with a line feed; several at once under load. */
  readonly write: (lines: string) => void
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

/** The time of a Combined line, in UTC: `21/Nov/2026:20:37:00 +0000`. */
const combinedTime = (time: Date): string =>
  `${two(time.getUTCDate())}/${months[time.getUTCMonth()]}/${time.getUTCFullYear()}:` +
  `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`

/** A client's text in a quoted field, escaped as Apache does, so that it cannot forge a field. */
const quoted = (text: string | undefined): string =>
  text === undefined
    ? '"-"'
    : `"${text.replace(/["\\]|[^\x20-\x7e]/g, (part) =>
        part === '"' || part === '\\' ? `\\${part}` : `\\x${two16(part)}`,
      )}"`

const two16 = (part: string): string => (part.codePointAt(0) ?? 0).toString(16).padStart(2, '0')

const combined = (exchange: Exchange, client: string, time: Date): string => {
  const { request, status, responseBytes, protocol } = exchange
  const { referer, 'user-agent': agent } = request.headers
  const line = `${request.method} ${request.url} HTTP/${protocol}`
  return `${client} - - [${combinedTime(time)}] ${quoted(line)} ${status} ${responseBytes || '-'} ${quoted(referer)} ${quoted(agent)}\n`
}

const json = (exchange: Exchange, client: string, time: Date): string => {
  const { request, route, refusal, kind } = exchange
  const { cause } = refusal ?? {}
  return `${JSON.stringify({
    time: time.toISOString(),
    client,
    method: request.method,
    host: exchange.host,
    target: request.url,
    protocol: exchange.protocol,
    ...(kind === 'http' ? {} : { kind }),
    status: exchange.status,
    grpcStatus: exchange.grpcStatus,
    durationMs: Math.round((performance.now() - exchange.startedMs) * 1_000) / 1_000,
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    route: route?.options.name,
    service: route?.options.service,
    reason: refusal?.reason,
    error: cause instanceof Error ? cause.message : undefined,
    referer: request.headers.referer,
    userAgent: request.headers['user-agent'],
  })}\n`
}

/** Writes a line for each request that has ended; those of one turn of the event loop at once. */
export class AccessLog {
  readonly #write: (lines: string) => void
  readonly #format: typeof json
  readonly #trustedHops: number
  #lines = ''

  constructor({ format, write }: AccessLogOptions, trustedHops: number) {
    this.#write = write
    this.#format = format === 'json' ? json : combined
    this.#trustedHops = trustedHops
  }

  add(exchange: Exchange): void {
    const { request, arrival } = exchange
    const forwardedFor = request.headers['x-forwarded-for'] as string | undefined
    const client = clientAddress(arrival.peer, forwardedFor, this.#trustedHops)
    if (this.#lines === '') setImmediate(() => this.flush())
    this.#lines += this.#format(exchange, client, new Date())
  }

  flush(): void {
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#write(lines)
  }
}
