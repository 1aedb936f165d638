const variables = ['grpc_proxy', 'https_proxy', 'http_proxy'] as const

/**
 * What to say when the environment names a proxy: grpc-js then sends every channel through it, and asks no
 * resolver. `undefined` when it does not, or when `no_grpc_proxy` shows that somebody has thought of it.
 */
export const proxyWarning = (scheme: string, env: NodeJS.ProcessEnv): string | undefined => {
  const variable = variables.find((name) => Boolean(env[name]))
  if (variable === undefined || env['no_grpc_proxy'] !== undefined) return undefined
  return (
    `${variable} is set, so grpc-js sends calls to ${scheme}:/// through that proxy instead of to the instances. ` +
    "Set the channel option 'grpc.enable_http_proxy': 0, or name the services in no_grpc_proxy"
  )
}
