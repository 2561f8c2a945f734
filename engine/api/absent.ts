import { NotImplementedError } from '../errors.ts'
import type { Route } from './router.ts'

/** Operations of the Docker Engine API that exist but not here (yet), so that a client is told which one it was. */
const ABSENT = `
GET /images/:name*/attestations
PUT /volumes/:name
GET /plugins/privileges
POST /plugins/pull
POST /plugins/create
DELETE /plugins/:name*
POST /plugins/:name*/enable
POST /plugins/:name*/disable
POST /plugins/:name*/upgrade
POST /plugins/:name*/push
POST /plugins/:name*/set
GET /swarm
POST /swarm/init
POST /swarm/join
POST /swarm/leave
POST /swarm/update
GET /swarm/unlockkey
POST /swarm/unlock
GET /nodes
GET /nodes/:id
DELETE /nodes/:id
POST /nodes/:id/update
GET /services
POST /services/create
GET /services/:id
DELETE /services/:id
POST /services/:id/update
GET /services/:id/logs
GET /tasks
GET /tasks/:id
GET /tasks/:id/logs
GET /secrets
POST /secrets/create
GET /secrets/:id
DELETE /secrets/:id
POST /secrets/:id/update
GET /configs
POST /configs/create
GET /configs/:id
DELETE /configs/:id
POST /configs/:id/update
`

export const absentRoutes: readonly Route[] = ABSENT.trim()
  .split('\n')
  .map((line) => {
    const [method = '', path = ''] = line.split(' ')
    return {
      method,
      path,
      absent: true,
      handle: () =>
        Promise.reject(
          new NotImplementedError(`Gantry does not implement ${method} ${readable(path)}`),
        ),
    }
  })

function readable(path: string): string {
  return path.replace(/:(\w+)\*?/g, '{$1}')
}
