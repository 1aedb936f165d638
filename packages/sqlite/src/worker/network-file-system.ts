import { readFileSync, realpathSync, statfsSync } from 'node:fs'

/** By the magic numbers of statfs(2): file systems that other machines write, too. */
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
 * FUSE says nothing of what is behind it, but for its type in the mount table. What a host shares with
 * its virtual machines counts, too: each has a kernel, and so locks and a boot, of its own.
 */
const networkFuse =
  /^(?:virtiofs|fakeowner|fuse\.(?:grpcfuse|osxfs|vmhgfs-fuse|sshfs|glusterfs|s3fs|rclone|goofys|gcsfuse|ceph.*|juicefs|davfs.*|curlftpfs|moosefs|mfs|mount-s3|blobfuse2?|cvmfs.*))$/

/** The type of the mount that `folder` lies on, by a mount table in the format of `/proc/mounts`. */
export const mountType = (table: string, folder: string): string | undefined => {
  let longest = ''
  let found: string | undefined
  for (const line of table.split('\n')) {
    const [, escaped = '', type] = line.split(' ')
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    const within = point === '/' || folder === point || folder.startsWith(`${point}/`)
    // of two mounts at one point the later hides the earlier
    if (point !== '' && within && point.length >= longest.length) [longest, found] = [point, type]
  }
  return found
}

/** The name of a network file system by statfs's `type` and the mount table; `undefined` for others. */
export const networkNameOf = (
  type: number,
  folder: string,
  readTable: () => string,
): string | undefined => {
  // some architectures give it signed
  const known = networkTypes.get(type >>> 0)
  if (known !== undefined || type >>> 0 !== fuse) return known
  const mount = mountType(readTable(), folder)
  return mount !== undefined && networkFuse.test(mount) ? mount : undefined
}

/** The network file system that `folder` lies on, where the system says so: on Linux. */
export const networkFileSystem = (folder: string): string | undefined => {
  if (process.platform !== 'linux') return undefined
  // the mount table knows no links
  const real = realpathSync(folder)
  return networkNameOf(statfsSync(real).type, real, () => readFileSync('/proc/mounts', 'utf8'))
}
