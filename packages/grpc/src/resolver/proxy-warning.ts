const variables = ['grpc_proxy', 'https_proxy', 'http_proxy'] as const

/**
 * The warning for an environment that names a proxy: grpc-js then sends every channel through the
 * proxy, and calls no resolver. `undefined` if there is no proxy, or if `no_grpc_proxy` is set.
 */
export const proxyWarning = (scheme: string, env: NodeJS.ProcessEnv): string | undefined => {
  const variable = variables.find((name) => Boolean(env[name]))
  if (variable === undefined || env['no_grpc_proxy'] !== undefined) return undefined
  return (
    `${variable} is set, so grpc-js sends calls to ${scheme}:/// through that proxy instead of to the instances. ` +
    "Set the channel option 'grpc.enable_http_proxy': 0, or name the services in no_grpc_proxy"
  )
}
