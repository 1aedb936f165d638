const maxShown = 80

/** `text` without what stands before its last `@`, but for a scheme: that may be a password. */
const redact = (text: string): string =>
  text.replace(/^([A-Za-z][\w+.-]*:\/\/)?[^]*@/, (_, scheme: string = '') => `${scheme}<hidden>@`)

/** A value as an error message may show it: short, on one line, without credentials. */
export const show = (value: unknown): string => {
  if (typeof value === 'string') {
    const shown = JSON.stringify(redact(value))
    return shown.length > maxShown ? `${shown.slice(0, maxShown - 3)}...` : shown
  }
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
