import { expect, test } from 'vitest'
import { chooseImage, type Engine } from '../src/choose-image.ts'
import { consul, etcd } from '../src/index.ts'

/** An engine that has, pulls and builds only the given images. */
function engine(can: {
  has?: string[]
  pull?: boolean
  build?: boolean
}): Engine & { did: string[] } {
  const did: string[] = []
  return {
    did,
    has: (image) => Promise.resolve(can.has?.includes(image) ?? false),
    pull: (image) => {
      did.push(`pull ${image}`)
      return can.pull ? Promise.resolve() : Promise.reject(new Error('no registry'))
    },
    build: ({ name }) => {
      did.push(`build ${name}`)
      return can.build ? Promise.resolve() : Promise.reject(new Error('no mmdebstrap'))
    },
    version: () => Promise.resolve('0'),
  }
}

test('the named image is used first, and pulled if it is missing', async () => {
  const here = engine({ has: ['mine'] })
  expect(await chooseImage(etcd, { SD_ETCD_IMAGE: 'mine' }, here)).toBe('mine')
  expect(here.did).toEqual([])
  const there = engine({ pull: true })
  expect(await chooseImage(etcd, { SD_ETCD_IMAGE: 'mine' }, there)).toBe('mine')
  await expect(
    chooseImage(etcd, { SD_ETCD_IMAGE: 'mine' }, engine({ build: true })),
  ).rejects.toThrow('no registry')
})

test('an existing image is used, the local one before the official one', async () => {
  const both = engine({ has: [etcd.images.local, etcd.images.official] })
  expect(await chooseImage(etcd, {}, both)).toBe(etcd.images.local)
  const official = engine({ has: [etcd.images.official] })
  expect(await chooseImage(etcd, {}, official)).toBe(etcd.images.official)
})

test('otherwise the official image is pulled, otherwise the local one is built', async () => {
  expect(await chooseImage(consul, {}, engine({ pull: true }))).toBe(consul.images.official)
  const builder = engine({ build: true })
  expect(await chooseImage(consul, {}, builder)).toBe(consul.images.local)
  expect(builder.did).toEqual([`pull ${consul.images.official}`, 'build consul'])
  await expect(chooseImage(consul, {}, engine({}))).rejects.toThrow(/no registry.*no mmdebstrap/)
})
