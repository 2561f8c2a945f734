import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { openLocalEngine } from '../../../engine/index.ts'
import { instanceAt } from '../../../engine/instance.ts'
import { answerRegistry } from '../../../engine/registry-server/door.ts'

/** An engine whose registry answers everybody, to be killed. Arguments: data root, run root, subnet. */
const [dataRoot = '', runRoot = '', bridgeSubnet = ''] = process.argv.slice(2)
const engine = await openLocalEngine(instanceAt({ dataRoot, runRoot, bridgeSubnet }))
const server = http.createServer((request, response) => {
  void answerRegistry(engine.registry, request, response)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${(server.address() as AddressInfo).port}`)
})
