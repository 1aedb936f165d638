/** Quotes `text` with single quotes for bash and zsh. */
export const singleQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
