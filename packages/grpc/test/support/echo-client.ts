import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'

const bytes = (value: Buffer): Buffer => value

/** Calls the echo service. */
export class EchoClient implements Disposable {
  readonly client: Client

  constructor(
    target: string,
    options: ChannelOptions = {},
    channelCredentials: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.client = new Client(target, channelCredentials, options)
  }

  /**
   * The id of the server that answered, or the status of the failure, `UNAVAILABLE: …`, and whether
   * its headers had arrived by then.
   */
  call(
    options: CallOptions = { deadline: Date.now() + 10_000 },
    metadata: Metadata = new Metadata(),
  ): Promise<string> {
    return new Promise((resolve) => {
      let headers = ''
      const done = (error: ServiceError | null, value?: Buffer): void =>
        resolve(
          error === null ? String(value) : `${status[error.code]}: ${error.details}${headers}`,
        )
      const call = this.client.makeUnaryRequest(
        '/test.Echo/WhoAmI',
        bytes,
        bytes,
        Buffer.from(''),
        metadata,
        options,
        done,
      )
      call.once('metadata', () => {
        headers = ' (after the headers)'
      })
    })
  }

  /** Makes that many calls at once; returns how many each server got. */
  async burst(count: number): Promise<Readonly<Record<string, number>>> {
    const answers = await Promise.all(Array.from({ length: count }, () => this.call()))
    return Object.fromEntries(
      Object.entries(Object.groupBy(answers, (answer) => answer)).map(([id, all]) => [
        id,
        all?.length ?? 0,
      ]),
    )
  }

  /** The messages of a stream, and its final status. */
  count(messages: number, onMessage: (id: string) => void = () => {}): Promise<string> {
    return new Promise((resolve) => {
      const call = this.client.makeServerStreamRequest(
        '/test.Echo/Count',
        bytes,
        bytes,
        Buffer.from(String(messages)),
        { deadline: Date.now() + 20_000 },
      )
      let seen = 0
      call.on('data', (message: Buffer) => {
        seen += 1
        onMessage(String(message))
      })
      call.on('error', () => {})
      call.on('status', ({ code }) => resolve(`${status[code]} after ${seen}`))
    })
  }

  [Symbol.dispose](): void {
    this.client.close()
  }
}
