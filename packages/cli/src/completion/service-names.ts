/**
 * Shell code that prints the names of the services, one a line, or nothing when there is no
 * registry to ask. Names that JSON escapes are left out.
 */
export const printServices = `sd list --json 2>/dev/null | sed -n 's/^{"service":"\\([^"\\\\]*\\)"}$/\\1/p'`

/** `text` within single quotes, as bash and zsh read it. */
export const singleQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
