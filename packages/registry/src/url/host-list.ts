import { isIPv4, isIPv6 } from 'node:net'
import { splitPiece, subPiece, type UrlPiece, urlProblem } from './url-piece.ts'

/** One host of a list. */
export interface Host {
  /** A name or an address; IPv6 in brackets, as in URLs. */
  readonly host: string
  /** 1…65535. */
  readonly port: number
}

const maxHostLength = 253

const readPort = ({ text, at }: UrlPiece): number => {
  // shown only if it is a number: without an @, this text may be a password
  const given = /^\d{1,9}$/.test(text) ? text : text === '' ? 'missing' : 'not a number'
  const port = Number(given)
  if (!(port >= 1 && port <= 65_535))
    throw urlProblem(at, `the port is ${given}; expected 1 to 65535`)
  return port
}

const checkName = ({ text, at }: UrlPiece): void => {
  const odd = /[^A-Za-z0-9._-]/u.exec(text)
  if (odd !== null)
    throw urlProblem(
      at + odd.index,
      `${JSON.stringify(odd[0])} is not allowed in a host; expected a name of ASCII letters, digits, - _ and ., or an IP address`,
    )
  if (text.length > maxHostLength)
    throw urlProblem(
      at,
      `the host is ${text.length} characters long; expected at most ${maxHostLength}`,
    )
  const labels = text.replace(/\.$/, '').split('.')
  if (!labels.every((label) => label !== '' && label.length <= 63 && !/^-|-$/.test(label)))
    throw urlProblem(
      at,
      `${JSON.stringify(text)} is not a host name; each part must have 1 to 63 characters, and no - at its ends`,
    )
  if (/^\d+$/.test(labels.at(-1) ?? '') && !isIPv4(text))
    throw urlProblem(at, `${JSON.stringify(text)} is not an IPv4 address`)
}

const readBracketed = (piece: UrlPiece, defaultPort: number): Host => {
  const end = piece.text.indexOf(']')
  if (end < 0) throw urlProblem(piece.at, 'a [ is not closed')
  const address = piece.text.slice(1, end)
  // a zone (%eth0) names an interface of one machine; http URLs do not support zones
  if (!isIPv6(address) || address.includes('%'))
    throw urlProblem(piece.at + 1, 'expected an IPv6 address without a zone between [ and ]')
  const rest = subPiece(piece, end + 1)
  if (rest.text === '') return { host: `[${address}]`, port: defaultPort }
  if (!rest.text.startsWith(':')) throw urlProblem(rest.at, 'expected : and a port after ]')
  return { host: `[${address}]`, port: readPort(subPiece(rest, 1)) }
}

const readHost = (piece: UrlPiece, defaultPort: number): Host => {
  if (piece.text.startsWith('[')) return readBracketed(piece, defaultPort)
  if (isIPv6(piece.text)) throw urlProblem(piece.at, 'an IPv6 address needs brackets: [::1]:2379')
  const colon = piece.text.indexOf(':')
  const name = subPiece(piece, 0, colon < 0 ? undefined : colon)
  if (name.text === '') throw urlProblem(name.at, 'expected a host')
  // checked before the name is shown: with an invalid port, the text may be user:password
  const port = colon < 0 ? defaultPort : readPort(subPiece(piece, colon + 1))
  checkName(name)
  return { host: name.text, port }
}

/** `host[:port],host[:port],…`. Throws `invalid-config` with the position. */
export const readHostList = (piece: UrlPiece, defaultPort: number): readonly Host[] =>
  splitPiece(piece, ',').map((part) => readHost(part, defaultPort))
