import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

/** A certificate and its key, as PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** An authority and what it has signed. */
export interface Certificates {
  /** The authority's own certificate, PEM. */
  readonly ca: string
  /** For servers on 127.0.0.1 and localhost. */
  readonly server: Certificate
  /** For a client whose common name is as asked for: etcd takes it for the user's name. */
  readonly client: Certificate
}

/** Creates a new authority, a server's and a client's certificate, with the machine's openssl. */
export async function createCertificates(clientName = 'root'): Promise<Certificates> {
  const folder = await mkdtemp(join(tmpdir(), 'sd-certificates-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => runCommand('openssl', args, { cwd: folder })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const sign = async (name: string, commonName: string): Promise<Certificate> => {
    const [key, request, cert] = [`${name}.key`, `${name}.csr`, `${name}.crt`]
    await openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${commonName}`)
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial']
    const what = ['-in', request, '-out', cert, '-days', '2', '-extfile', 'extensions']
    await openssl('x509', '-req', ...authority, ...what)
    return { cert: await readFile(at(cert), 'utf8'), key: await readFile(at(key), 'utf8') }
  }
  try {
    await writeFile(
      at('extensions'),
      // etcd's own gateway shows the server's certificate as a client's: it must do for both.
      'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
    )
    const authority = ['-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test-ca']
    await openssl('req', '-x509', ...newKey, ...authority)
    const server = await sign('server', 'server')
    const client = await sign('client', clientName)
    return { ca: await readFile(at('ca.crt'), 'utf8'), server, client }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
