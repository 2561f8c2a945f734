/** Loads, pushes, pulls, saves and removes for ever, until it is killed: `crash-child.ts <data root> <archive> <reference>`. */
import fs from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { ImageStore } from '../../../engine/images/store.ts'
import { LocalImages } from '../../../engine/images/local-images.ts'
import { instanceAt } from '../../../engine/instance.ts'
import { Trees } from '../../../engine/store/trees.ts'
import { collect } from './image-engine.ts'

const [dataRoot = '', archive = '', reference = ''] = process.argv.slice(2)
const events = {
  emit: () => undefined,
  stream: () => {
    throw new Error('not here')
  },
  listeners: () => 0,
  close: () => Promise.resolve(),
}
const store = await ImageStore.open({ dataRoot, events, usedBy: () => [] })
const images = new LocalImages(
  store,
  instanceAt({ dataRoot, runRoot: '/tmp/g-none', bridgeSubnet: '10.9.0.0/24' }),
  new Trees(),
)
process.stdout.write('ready\n')
for (;;) {
  await collect(images.load(fs.createReadStream(archive)))
  await images.tag('one:1', reference.replace(/app:1$/, 'made'), '1')
  await collect(images.push(reference.replace(/app:1$/, 'made:1')))
  await collect(images.pull(reference))
  await buffer(await images.save([reference, 'three']))
  await images.makeWritable('box', (await images.resolve(reference)).id)
  await images.removeWritable('box')
  for (const { Id } of await images.list()) await images.remove(Id, { force: true })
}
