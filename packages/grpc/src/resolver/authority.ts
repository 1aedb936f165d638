/**
 * The `:authority` of a service, and the name that its certificate must be for, unless a caller says
 * otherwise: the service's name. What cannot stand in a host name becomes a hyphen, as grpc-js makes a
 * URL of it.
 */
export const authorityOf = (service: string): string => {
  const name = service.replaceAll(/[^A-Za-z0-9._-]+/g, '-')
  return URL.canParse(`https://${name}`) ? name : 'service'
}

/** Whether a text can be an authority: a host, with or without a port. */
export const isAuthority = (text: string): boolean =>
  !/[/?#@\s]/.test(text) && URL.canParse(`https://${text}`)
