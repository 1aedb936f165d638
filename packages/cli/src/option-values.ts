import { InvalidArgumentError } from 'commander'

/** An option that may be given again: all its values. */
export const collect = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  text,
]

/** An option of pairs that may be given again: all of them. */
export const collectPairs = (
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('Expected NAME=VALUE.')
  return { ...previous, [name]: value ?? '' }
}
