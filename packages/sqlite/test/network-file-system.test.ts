import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import { mountType, networkFileSystem, networkNameOf } from '../src/worker/network-file-system.ts'

const table = [
  'sysfs /sys sysfs rw 0 0',
  '/dev/sda1 / ext4 rw 0 0',
  'host:/srv /mnt/with\\040space fuse.sshfs rw 0 0',
  'overlay /home/u/containers fuse.fuse-overlayfs rw 0 0',
  'share /host virtiofs rw 0 0',
  'old /mnt/twice fuse.sshfs rw 0 0',
  'new /mnt/twice ext4 rw 0 0',
  '',
].join('\n')

describe('a network file system', () => {
  test.each([
    ['nfs', 0x69_69],
    ['cifs', 0xff_53_4d_42],
    // as statfs returns it where longs are signed
    ['cifs', 0xff_53_4d_42 | 0],
    ['smb2', 0xfe_53_4d_42 | 0],
    ['9p', 0x01_02_19_97],
    ['ceph', 0x00_c3_64_00],
  ])('%s is recognized by its number %i', (name, type) => {
    expect(networkNameOf(type, '/x', () => table)).toBe(name)
  })

  test.each([
    ['ext4', 0xef_53],
    ['tmpfs', 0x01_02_19_94],
    ['btrfs', 0x91_23_68_3e | 0],
    ['overlayfs', 0x79_4c_76_30],
  ])('%s is not a network file system', (_, type) => {
    expect(networkNameOf(type, '/x', () => table)).toBeUndefined()
  })

  test('behind FUSE is recognized by the mount table', () => {
    const fuse = 0x65_73_55_46
    expect(networkNameOf(fuse, '/mnt/with space/sd', () => table)).toBe('fuse.sshfs')
    expect(networkNameOf(fuse, '/home/u/containers/a', () => table)).toBeUndefined()
    // shared by the host of a virtual machine with it and others
    expect(networkNameOf(fuse, '/host/sd', () => table)).toBe('virtiofs')
  })

  test('is not in use where these tests run', () => {
    expect(networkFileSystem(tmpdir())).toBeUndefined()
  })
})

test.each([
  ['/home/u', 'ext4'],
  ['/mnt/with space', 'fuse.sshfs'],
  ['/mnt/with spaces', 'ext4'],
  ['/mnt/twice/x', 'ext4'],
  ['/sys/kernel', 'sysfs'],
])('the mount of %s is %s', (folder, type) => {
  expect(mountType(table, folder)).toBe(type)
})
