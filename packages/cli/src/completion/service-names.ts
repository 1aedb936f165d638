/**
 * Shell code that prints the names of the services, one per line, or nothing if the registry does
 * not answer. It omits names that JSON escapes.
 */
export const printServices = `sd list --json 2>/dev/null | sed -n 's/^{"service":"\\([^"\\\\]*\\)"}$/\\1/p'`

/** Quotes `text` with single quotes for bash and zsh. */
export const singleQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
