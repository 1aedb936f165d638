import { describe, expect, it } from 'vitest'
import { ArgumentError, readArguments, readMeasuredBackend } from '../src/read-arguments.ts'

describe('readArguments', () => {
  it('reads a run', () => {
    expect(
      readArguments(['--backend', 'consul', '--minutes', '0.5', '--seed', '7', '--ttl-ms', '2000']),
    ).toEqual({
      do: 'run',
      backend: 'consul',
      minutes: 0.5,
      seed: 7,
      ttlMs: 2_000,
      members: 1,
      record: undefined,
      mostViolations: 5,
    })
  })

  it('draws a seed where none is given', () => {
    expect(readArguments(['--backend', 'etcd'])).toMatchObject({ seed: expect.any(Number) })
  })

  it('reads --help and --check', () => {
    expect(readArguments(['--help'])).toEqual({ do: 'help' })
    expect(readArguments(['--check', 'run.jsonl'])).toEqual({ do: 'check', file: 'run.jsonl' })
  })

  it.each([
    [[], /--backend is missing; expected one of etcd, zookeeper, consul, sqlite/],
    [['--backend', 'redis'], /--backend is 'redis'; expected one of etcd/],
    [['--backend', 'etcd', '--minutes', 'ten'], /--minutes is 'ten'; expected a number/],
    [['--backend', 'etcd', '--minutes', '-1'], /--minutes/],
    [['--backend', 'etcd', '--ttl-ms', '10'], /--ttl-ms is '10'; expected a number of at least/],
    [['--backend', 'etcd', '--sed', '1'], /--sed/],
    [['--backend', 'etcd', '--members', '2'], /--members is '2'; expected 1 or 3/],
    [['--backend', 'sqlite', '--members', '3'], /--members is '3'; expected 1 for sqlite/],
    [['etcd'], /etcd/],
  ])('refuses %j', (given, message) => {
    expect(() => readArguments(given)).toThrow(ArgumentError)
    expect(() => readArguments(given)).toThrow(message)
  })
})

describe('readMeasuredBackend', () => {
  it('reads a backend and --help', () => {
    expect(readMeasuredBackend(['--backend', 'sqlite'])).toBe('sqlite')
    expect(readMeasuredBackend(['--help'])).toBe('help')
  })

  it.each([
    [[], /--backend is missing; expected one of/],
    [['--backend', 'redis'], /--backend is 'redis'/],
    [['--backend', 'etcd', '--minutes', '1'], /--minutes/],
  ])('refuses %j', (given, message) => {
    expect(() => readMeasuredBackend(given)).toThrow(ArgumentError)
    expect(() => readMeasuredBackend(given)).toThrow(message)
  })
})
