import { readFileSync, realpathSync, statfsSync } from 'node:fs'

/** File systems that other machines can write to, by the magic numbers of statfs(2). */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x69_69, 'nfs'],
  [0x51_7b, 'smb'],
  [0xff_53_4d_42, 'cifs'],
  [0xfe_53_4d_42, 'smb2'],
  [0x01_02_19_97, '9p'],
  [0x53_46_41_4f, 'afs'],
  [0x6b_41_46_53, 'afs'],
  [0x73_75_72_45, 'coda'],
  [0x00_c3_64_00, 'ceph'],
  [0x0b_d0_0b_d0, 'lustre'],
  [0x01_16_19_70, 'gfs2'],
  [0x74_61_63_6f, 'ocfs2'],
  [0x47_50_46_53, 'gpfs'],
  [0x19_83_03_26, 'beegfs'],
  [0x56_4c, 'ncpfs'],
  [0x78_6f_42_56, 'vboxsf'],
])

const fuse = 0x65_73_55_46

/**
 * Only the type in the mount table identifies the file system behind FUSE. File systems that a host
 * shares with its virtual machines count too: each kernel has its own locks and boot id.
 */
const networkFuse =
  /^(?:virtiofs|fakeowner|fuse\.(?:grpcfuse|osxfs|vmhgfs-fuse|sshfs|glusterfs|s3fs|rclone|goofys|gcsfuse|ceph.*|juicefs|davfs.*|curlftpfs|moosefs|mfs|mount-s3|blobfuse2?|cvmfs.*))$/

/** The mount type of `folder`, from a mount table in the format of `/proc/mounts`. */
export const mountType = (table: string, folder: string): string | undefined => {
  let longest = ''
  let found: string | undefined
  for (const line of table.split('\n')) {
    const [, escaped = '', type] = line.split(' ')
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    const within = point === '/' || folder === point || folder.startsWith(`${point}/`)
    // a later mount hides an earlier one at the same point
    if (point !== '' && within && point.length >= longest.length) [longest, found] = [point, type]
  }
  return found
}

/** Names a network file system by statfs's `type` and the mount table; else `undefined`. */
export const networkNameOf = (
  type: number,
  folder: string,
  readTable: () => string,
): string | undefined => {
  // signed on some architectures
  const known = networkTypes.get(type >>> 0)
  if (known !== undefined || type >>> 0 !== fuse) return known
  const mount = mountType(readTable(), folder)
  return mount !== undefined && networkFuse.test(mount) ? mount : undefined
}

/** The network file system that contains `folder`; detected on Linux only. */
export const networkFileSystem = (folder: string): string | undefined => {
  if (process.platform !== 'linux') return undefined
  // the mount table contains no links
  const real = realpathSync(folder)
  return networkNameOf(statfsSync(real).type, real, () => readFileSync('/proc/mounts', 'utf8'))
}
