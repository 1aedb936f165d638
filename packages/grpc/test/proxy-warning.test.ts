import { expect, test } from 'vitest'
import { proxyWarning } from '../src/resolver/proxy-warning.ts'

test.each([
  [{}, undefined],
  [{ http_proxy: '' }, undefined],
  [{ http_proxy: 'http://p:3128', no_grpc_proxy: 'orders' }, undefined],
  [{ http_proxy: 'http://p:3128', no_proxy: '.example' }, 'http_proxy is set'],
  [{ grpc_proxy: 'http://p:3128', http_proxy: 'http://p:3128' }, 'grpc_proxy is set'],
])('of %j it says %s', (env, expected) => {
  const warning = proxyWarning('sd', env)
  expect(warning?.slice(0, expected?.length)).toBe(expected)
  expect(warning ?? "'grpc.enable_http_proxy': 0").toContain("'grpc.enable_http_proxy': 0")
})
