/** What Kratos's reader shows of an instance. */
export interface KratosInstance {
  readonly id: string
  readonly weight: string | undefined
}

/** Instances of the service `orders` that Kratos registers on etcd, and what its reader shows. */
export interface KratosFleet extends AsyncDisposable {
  /** Registers an instance, or updates it. */
  register(id: string, endpoint: string, weight?: number): Promise<void>
  deregister(id: string): Promise<void>
  /** In the order of their keys. */
  read(): Promise<readonly KratosInstance[]>
}
