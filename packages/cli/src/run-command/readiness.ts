import { connect } from 'node:net'
import { type HealthCheck, runCheck } from '@sd/registry'
import { CommandError } from '../exit-code.ts'

const attemptMs = 1_000
const pauseMs = 100
/** How long to look for another process that answers before the command is started. */
const earlyMs = 200

/** A check that must pass before a service is ready. */
export interface ReadyCheck {
  /** What is checked, for messages: `tcp 127.0.0.1:8080`, `http://127.0.0.1:8080/health`. */
  readonly what: string
  /** Makes one attempt; rejects with an error that names what is checked and why it failed. */
  readonly attempt: (signal: AbortSignal) => Promise<void>
}

const defaultPorts: Readonly<Record<string, number>> = {
  'http:': 80,
  'ws:': 80,
  'https:': 443,
  'wss:': 443,
}

/** Connects to `host:port` and disconnects at once; rejects if nothing answers. */
export const connectOnce = (host: string, port: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', (error) => {
      socket.destroy()
      reject(error)
    })
  })

/** The address of an endpoint; `undefined` if its URL has no known port. */
export const addressOf = (
  endpoint: string,
): { readonly host: string; readonly port: number } | undefined => {
  if (!URL.canParse(endpoint)) return undefined
  const { hostname, port, protocol } = new URL(endpoint)
  const number = port === '' ? defaultPorts[protocol] : Number(port)
  if (number === undefined || hostname === '') return undefined
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: number }
}

const portCheck = (endpoint: string): readonly ReadyCheck[] => {
  const address = addressOf(endpoint)
  if (address === undefined) return []
  const { host, port } = address
  const what = `tcp ${host}:${port}`
  const attempt = async (signal: AbortSignal): Promise<void> => {
    try {
      await connectOnce(host, port, signal)
    } catch (error) {
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
    }
  }
  return [{ what, attempt }]
}

/** The check that a URL stands for; `undefined` for a URL that stands for none. */
export const checkOf = (url: string): HealthCheck | undefined => {
  if (!URL.canParse(url)) return undefined
  const { protocol, host, port, pathname } = new URL(url)
  if ((protocol === 'http:' || protocol === 'https:') && /^https?:\/\/[^/]/.test(url))
    return { http: url }
  if (port === '') return undefined
  if (protocol === 'tcp:' && /^\/?$/.test(pathname)) return { tcp: `tcp://${host}` }
  if (protocol === 'grpc:' || protocol === 'grpcs:')
    return { grpc: `${protocol}//${host}`, service: decodeURIComponent(pathname.slice(1)) }
  return undefined
}

/** The given check, or one for each endpoint with a known port. */
export const readyChecks = (
  endpoints: readonly string[],
  checkUrl: string | undefined,
): readonly ReadyCheck[] => {
  const check = checkUrl === undefined ? undefined : checkOf(checkUrl)
  if (checkUrl === undefined || check === undefined) return endpoints.flatMap(portCheck)
  return [{ what: checkUrl, attempt: (signal) => runCheck(check, signal) }]
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      if (signal.aborted) reject(signal.reason as Error)
      else resolve()
    }
    const timer = setTimeout(done, pauseMs)
    signal.addEventListener('abort', done)
  })

const waitForOne = async (
  { what, attempt }: ReadyCheck,
  deadline: AbortSignal,
  signal: AbortSignal,
): Promise<void> => {
  const either = AbortSignal.any([deadline, signal])
  let last = `${what}: no answer`
  for (;;) {
    try {
      return await attempt(AbortSignal.any([AbortSignal.timeout(attemptMs), either]))
    } catch (error) {
      if (!either.aborted) last = (error as Error).message
    }
    await pause(either).catch(() => {})
    if (signal.aborted) throw signal.reason
    if (deadline.aborted) throw new CommandError(last)
  }
}

/** The checks that pass before the command is started, so another process answers. */
export const answersEarly = async (
  checks: readonly ReadyCheck[],
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(earlyMs)])
  const asked = await Promise.allSettled(checks.map(({ attempt }) => attempt(bounded)))
  return checks.filter((_, index) => asked[index]?.status === 'fulfilled').map(({ what }) => what)
}

/**
 * Resolves when all checks have passed once. Rejects with the first check that did not pass within
 * `timeoutMs` and its reason, or with `signal.reason`.
 */
export const waitUntilReady = async (
  checks: readonly ReadyCheck[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const deadline = AbortSignal.timeout(timeoutMs)
  await Promise.all(checks.map((check) => waitForOne(check, deadline, signal)))
}
