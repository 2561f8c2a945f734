/** Does one thing with images and ends, unless it is killed: `store-child.ts <data root> pull|push|load <what>`. */
import fs from 'node:fs'
import { openImages } from '../../../engine/images/local-images.ts'
import { instanceAt } from '../../../engine/instance.ts'
import { Trees } from '../../../engine/store/trees.ts'
import { collect } from '../images/image-engine.ts'

const [dataRoot = '', verb = '', what = ''] = process.argv.slice(2)
const images = await openImages({
  instance: instanceAt({ dataRoot, runRoot: '/tmp/g-none', bridgeSubnet: '10.9.0.0/24' }),
  events: {
    emit: () => undefined,
    stream: () => {
      throw new Error('not here')
    },
    listeners: () => 0,
    close: () => Promise.resolve(),
  },
  trees: new Trees(),
  usedBy: () => [],
})
process.stdout.write('ready\n')
if (verb === 'pull') await collect(images.pull(what))
else if (verb === 'push') await collect(images.push(what))
else await collect(images.load(fs.createReadStream(what)))
process.exit(0)
