import { syncBuiltinESMExports } from 'node:module'
import os, { type NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { localAddress, type LocalAddressOptions, RegistryError } from '@sd/core'

const address = (text: string, internal = false): NetworkInterfaceInfo => {
  const rest = { address: text, internal, netmask: '', mac: '', cidr: null }
  return text.includes(':') ? { ...rest, family: 'IPv6', scopeid: 0 } : { ...rest, family: 'IPv4' }
}

const lo = [address('127.0.0.1', true), address('::1', true)]
const eth0 = [address('10.0.0.7'), address('fe80::1'), address('fd00::7')]
const eth1 = [address('10.1.0.7')]

/** What is returned, or the message of the refusal, on a machine with these interfaces. */
const ask = (
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  options?: LocalAddressOptions,
): string => {
  const { networkInterfaces } = os
  os.networkInterfaces = () => interfaces
  syncBuiltinESMExports()
  try {
    return localAddress(options)
  } catch (error) {
    return error instanceof RegistryError
      ? `${error.backend} ${error.retryable} ${error.message}`
      : String(error)
  } finally {
    os.networkInterfaces = networkInterfaces
    syncBuiltinESMExports()
  }
}

const refused = 'core false [invalid-argument] local-address:'

describe('localAddress', () => {
  test('returns the only address that others may reach', () => {
    expect(ask({ lo, eth0 })).toBe('10.0.0.7')
    expect(ask({ lo, eth0 }, { family: 6 })).toBe('fd00::7')
    expect(ask({ lo, eth0, none: undefined })).toBe('10.0.0.7')
  })

  test('returns the address of the named interface, also of the loopback', () => {
    expect(ask({ lo, eth0, eth1 }, { interface: 'eth1' })).toBe('10.1.0.7')
    expect(ask({ lo, eth0, eth1 }, { interface: 'lo' })).toBe('127.0.0.1')
  })

  test('takes an address that two interfaces have for one', () => {
    expect(ask({ eth0, bridge: [address('10.0.0.7')] })).toBe('10.0.0.7')
  })

  test('lists the addresses when there are several', () => {
    expect(ask({ lo, eth0, eth1 })).toBe(
      `${refused} this machine has several addresses: 10.0.0.7 (eth0), 10.1.0.7 (eth1); name the interface, or the host in the endpoint`,
    )
  })

  test('says that there is none, and on which interface', () => {
    expect(ask({ lo })).toBe(`${refused} no IPv4 address found; name the host in the endpoint`)
    expect(ask({ lo, eth1 }, { family: 6, interface: 'eth1' })).toBe(
      `${refused} no IPv6 address found on interface eth1; name the host in the endpoint`,
    )
  })
})
