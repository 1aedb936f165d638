import { InvalidArgumentError } from 'commander'

/** Collects the values of a repeatable option. */
export const collect = (text: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  text,
]

/** Collects the NAME=VALUE pairs of a repeatable option. */
export const collectPairs = (
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('Expected NAME=VALUE.')
  return { ...previous, [name]: value ?? '' }
}
