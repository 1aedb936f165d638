// names and endpoints are other people's: a control sequence in one would reach the terminal
const control = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu

/** `text` on one line, with what a terminal could act on made visible. */
export const printable = (text: string): string =>
  text.replace(control, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })

// JSON itself leaves these as they are, and some terminals act on them
const leftByJson = /[\u007F-\u009F]/g

/** `value` as one line of JSON, with nothing in it that a terminal could act on. */
export const jsonLine = (value: unknown): string =>
  JSON.stringify(value).replace(
    leftByJson,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
