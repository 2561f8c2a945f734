// `node --import tsx scripts/sweep.ts DATA RUN`: removes what a stopped instance with these roots still has on this host
// (processes, mounts, bridge, nftables table, cgroups). For throw-away instances: benchmarks and tries.
import { instanceAt } from '../engine/instance.ts'
import { leftOvers, sweepInstance } from '../test/helpers/sweep-instance.ts'

const [dataRoot, runRoot] = process.argv.slice(2)
if (dataRoot === undefined || runRoot === undefined) {
  console.error('usage: node --import tsx scripts/sweep.ts DATA RUN')
  process.exit(2)
}
const instance = instanceAt({ dataRoot, runRoot, bridgeSubnet: '0.0.0.0/0' })
await sweepInstance(instance)
const left = leftOvers(instance)
if (left.length > 0) {
  console.error(`sweep: still there: ${left.join(', ')}`)
  process.exit(1)
}
