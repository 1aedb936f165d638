// names and endpoints are untrusted: a control sequence in one would reach the terminal
const control = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu

/** Puts `text` on one line and makes its control characters visible. */
export const printable = (text: string): string =>
  text.replace(control, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })

// JSON does not escape these, and some terminals act on them
const leftByJson = /[\u007F-\u009F]/g

/** Formats `value` as one line of JSON without control characters. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replace(
    leftByJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
