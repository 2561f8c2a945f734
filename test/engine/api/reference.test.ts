import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { endpointSettings, execStartBody } from '../../../engine/api/container-bodies.ts'
import type { Route } from '../../../engine/api/router.ts'
import { routesOf } from '../../../engine/api/routes.ts'
import { sharedOfClients } from '../../../engine/buildkit/solve.ts'
import { API_VERSION } from '../../../engine/api/version.ts'
import type { Engine } from '../../../engine/contract.ts'
import {
  CONTAINER_CONFIG,
  ENDPOINT_SETTINGS,
  EXEC_CONFIG,
  HOST_CONFIG,
} from '../../../engine/runtime/validate.ts'
import { RESOURCES } from '../../../engine/runtime/validate-resources.ts'
import reference from '../../fixtures/docker-engine-api/reference.json' with { type: 'json' }

describe('the API reference', () => {
  const routes = routesOf({} as Engine, sharedOfClients('/nowhere'))

  it('is of the version spoken here', () => {
    assert.equal(API_VERSION, reference.version)
  })

  it('has no operation that nothing answers', () => {
    const unanswered = reference.operations.filter(
      ({ method, path }) => !find(routes, method, path),
    )
    assert.deepEqual(unanswered, [])
  })

  it('has no query parameter of containers, execs and the system that is silently ignored', () => {
    const ignored = reference.operations
      .filter(({ section }) => ['Container', 'Exec', 'System'].includes(section))
      .flatMap(({ method, path, query }) => {
        const route = find(routes, method, path)
        if (route?.absent === true) return []
        const known = Object.keys(route?.query ?? {})
        return query
          .filter((name) => !known.includes(name))
          .map((name) => `${method} ${path} ${name}`)
      })
    assert.deepEqual(ignored, [])
  })

  it('has no field that is silently ignored', () => {
    const known = {
      ContainerConfig: CONTAINER_CONFIG,
      HostConfig: HOST_CONFIG,
      Resources: RESOURCES,
      ExecConfig: EXEC_CONFIG,
      EndpointSettings: ENDPOINT_SETTINGS,
    }
    for (const [name, rules] of Object.entries(known)) {
      const fields: string[] = reference.fields[name as keyof typeof known]
      assert.deepEqual(
        fields.filter((field) => !Object.hasOwn(rules, field)),
        [],
        name,
      )
    }
    assert.deepEqual(
      reference.fields.EndpointSettings.filter((field) => !(field in endpointSettings.out.shape)),
      [],
    )
    assert.deepEqual(
      reference.fields.ExecStartConfig.filter((field) => !(field in execStartBody.in.out.shape)),
      [],
    )
  })
})

/** The first route that matches the path with its parameters filled in, as at the door. */
function find(routes: Route[], method: string, path: string): Route | undefined {
  const wanted = path.replace(/\{\w+\}/g, ':').replace(/:$/, ':')
  return routes.find(
    (route) => route.method === method && route.path.replace(/:\w+\*?/g, ':') === wanted,
  )
}
