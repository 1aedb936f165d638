import { afterAll, describe, expect, test } from 'vitest'
import { embeddedDefault, realEtcd, type SdProcess, type SdWorld, slackMs } from './support.ts'

const hold = async (world: SdWorld, id: string, ...options: string[]): Promise<SdProcess> => {
  const endpoint = ['--endpoint', `http://10.0.0.1:80/${id}`]
  const held = world.start('register', 'orders', '--id', id, ...endpoint, ...options)
  await held.writes(/registered/)
  return held
}

const idsAndZones = async (world: SdWorld): Promise<readonly string[]> => {
  const { stdout } = await world.run('list', 'orders', '--json')
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; zone?: string })
    .map(({ id, zone = '-' }) => `${id} ${zone}`)
}

describe.concurrent.each([embeddedDefault(), realEtcd()])('on $name', (backend) => {
  afterAll(() => backend.close())

  test('set changes a weight in place, its owner adopts it, and an unknown id ends with 3', async () => {
    await using world = await backend.open()
    const held = await hold(world, 'a')
    const watching = world.start('watch', 'orders')
    await watching.writes(/fresh +1/)
    const set = await world.run('set', 'orders', 'a', '--weight', '0', '--json')
    expect(set.code).toBe(0)
    expect(JSON.parse(set.stdout)).toEqual({
      type: 'edited',
      service: 'orders',
      id: 'a',
      weight: 0,
    })
    await watching.writes(/updated orders\/a weight 100 → 0/)
    // its owner audits once in a ttl: without adopting the edit it would revert it
    await new Promise((resolve) => setTimeout(resolve, 1.5 * backend.ttlMs))
    expect(watching.stdout).not.toMatch(/0 → 100|removed/)
    expect((await world.run('resolve', 'orders')).code).toBe(3)
    expect((await world.run('set', 'orders', 'b', '--weight', '0')).code).toBe(3)
    held.child.kill('SIGTERM')
    await watching.writes(/removed/)
  })

  test('set changes health and metadata; list, watch and resolve follow', async () => {
    await using world = await backend.open()
    const held = await hold(world, 'a', '--meta', 'k=v', '--meta', 'old=1')
    const watching = world.start('watch', 'orders')
    await watching.writes(/fresh +1/)
    const meta = ['--meta', 'by=ann', '--remove-meta', 'old']
    const set = await world.run('set', 'orders', 'a', '--health', 'failing', ...meta, '--json')
    expect(JSON.parse(set.stdout)).toEqual({
      type: 'edited',
      service: 'orders',
      id: 'a',
      health: 'failing',
      metadata: { k: 'v', by: 'ann' },
    })
    await watching.writes(
      /updated orders\/a health passing → failing, metadata k=v old=1 → k=v by=ann/,
    )
    expect((await world.run('list', 'orders')).stdout).toMatch(/ 100 +failing +\d/)
    expect(JSON.parse((await world.run('list', 'orders', '--json')).stdout)).toMatchObject({
      health: 'failing',
    })
    const text = await world.run('set', 'orders', 'a', '--health', 'passing')
    expect(text.stdout).toBe('orders/a has health passing\n')
    await watching.writes(/updated orders\/a health failing → passing/)
    expect((await world.run('set', 'orders', 'a')).code).toBe(2)
    expect((await world.run('set', 'orders', 'a', '--health', 'sick')).code).toBe(2)
    held.child.kill('SIGTERM')
    await watching.writes(/removed/)
  })

  test('copy shows the difference, and with --apply --follow mirrors until it ends', async () => {
    await using source = await backend.open()
    await using target = await backend.open()
    const urls = [source.url, target.url]
    const first = await hold(source, 'a', '--zone', 'from', '--version', '1', '--meta', 'k=v')
    const second = await hold(source, 'b', '--zone', 'from')
    const owner = await hold(target, 'b', '--zone', 'real')

    const dry = await source.run('copy', ...urls)
    expect(dry.code).toBe(0)
    expect(dry.stdout).toMatch(/^add +orders\/a .*\nkeep +orders\/b .* zone real → from\n$/)
    expect(dry.stderr).toContain('nothing was changed; add --apply to do it')
    expect(await idsAndZones(target)).toEqual(['b real'])

    const copying = target.start('copy', ...urls, '--apply', '--follow', '--json')
    await copying.writes(/1 copy is registered/)
    expect(await idsAndZones(target)).toEqual(['a from', 'b real'])
    const [original, copied] = await Promise.all(
      [source, target].map(async (world) => {
        const { stdout } = await world.run('list', 'orders', '--json')
        const { registeredAt: _, ...rest } = JSON.parse(stdout.split('\n')[0] ?? '') as {
          registeredAt: string
        }
        return rest
      }),
    )
    expect(copied).toEqual(original)

    // its owner deregisters in the target, and is still in the source
    owner.child.kill('SIGTERM')
    await copying.writes(/"type":"copied".*"id":"b"/, backend.ttlMs + slackMs)
    expect(await idsAndZones(target)).toEqual(['a from', 'b from'])
    // an owner registers in the target, and its copy is removed
    await hold(target, 'a', '--zone', 'real')
    expect(await idsAndZones(target)).toEqual(['a real', 'b from'])
    await copying.writes(/"type":"yielded".*"id":"a"/, backend.ttlMs + slackMs)
    // an instance is removed from the source
    second.child.kill('SIGTERM')
    await copying.writes(/"type":"removed".*"id":"b"/)
    expect(await idsAndZones(target)).toEqual(['a real'])

    const third = await hold(source, 'c', '--zone', 'from')
    await copying.writes(/"type":"copied".*"id":"c"/)
    copying.child.kill('SIGINT')
    expect((await copying.ended).code).toBe(0)
    expect(await idsAndZones(target)).toEqual(['a real'])
    for (const held of [first, third]) held.child.kill('SIGTERM')
  })

  test('two registries that mirror each other do not keep the dead alive', async () => {
    await using one = await backend.open()
    await using other = await backend.open()
    const held = await hold(one, 'a')
    // of the world that is closed first: its folder must stay while the processes use it
    const there = other.start('copy', one.url, other.url, '--apply', '--follow')
    const back = other.start('copy', other.url, one.url, '--apply', '--follow')
    await Promise.all([there.writes(/copied +orders\/a/), back.writes(/0 copies are registered/)])
    held.child.kill('SIGTERM')
    await there.writes(/removed orders\/a/)
    expect(await idsAndZones(one)).toEqual([])
    expect(await idsAndZones(other)).toEqual([])
  })
})
