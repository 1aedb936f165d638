import { expect, test } from 'vitest'
import { ArgumentError, readArguments } from '../src/read-arguments.ts'

const known = ['etcd-register', 'gateway']

test('without arguments everything runs, with the samples of each benchmark', () => {
  expect(readArguments([], known)).toEqual({
    do: 'run',
    only: [],
    samples: undefined,
    write: false,
    profile: false,
  })
})

test('one benchmark, a number of samples, profiles', () => {
  const given = ['--only', 'gateway', '--samples', '3', '--profile', '--write']
  expect(readArguments(given, known)).toEqual({
    do: 'run',
    only: ['gateway'],
    samples: 3,
    write: true,
    profile: true,
  })
  expect(readArguments(['--quick', '--write'], known)).toEqual({
    do: 'quick',
    only: [],
    write: true,
  })
})

test.each([
  [['--only', 'no'], /--only is 'no'; expected one of etcd-register, gateway/],
  [['--samples', '0'], /--samples is '0'; expected a whole number from 1 on/],
  [['--quick', '--profile'], /--quick takes its own samples and no profiles; leave out --profile/],
  [['--fast'], /--fast/],
])('refuses %j', (given, message) => {
  expect(() => readArguments(given, known)).toThrow(ArgumentError)
  expect(() => readArguments(given, known)).toThrow(message)
})
