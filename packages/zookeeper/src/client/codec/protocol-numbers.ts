/** Numbers of the requests that this client sends (`org.apache.zookeeper.ZooDefs.OpCode`). */
export const operations = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  /** In a `multiRead` only: it answers no metadata. */
  getChildren: 8,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  removeWatches: 18,
  multiRead: 22,
  auth: 100,
  sasl: 102,
  getEphemerals: 103,
  addWatch: 106,
  closeSession: -11,
  /** The type of a result that is an error, and of the end of a list of operations. */
  error: -1,
} as const

/** Request numbers with a meaning of their own (`org.apache.zookeeper.ClientCnxn`). */
export const xids = { event: -1, ping: -2, auth: -4 } as const

const maxXid = 0x7fff_ffff

/** The number after `xid`: they are 32 bits, and negative ones have a meaning. */
export const nextXid = (xid: number): number => (xid >= maxXid ? 1 : xid + 1)
