/**
 * The default `:authority` of a service, which its certificate must be for: the service's name. A
 * character that a host name cannot have becomes a hyphen, as grpc-js makes a URL of the name.
 */
export const authorityOf = (service: string): string => {
  const name = service.replaceAll(/[^A-Za-z0-9._-]+/g, '-')
  return URL.canParse(`https://${name}`) ? name : 'service'
}

/** Whether a text is a valid authority: a host, with or without a port. */
export const isAuthority = (text: string): boolean =>
  !/[/?#@\s]/.test(text) && URL.canParse(`https://${text}`)
