// Writes test/fixtures/docker-engine-api/reference.json, the names in the Docker Engine API description that tests hold
// our code against: `node scripts/docker-api-reference.mjs SWAGGER.yaml`.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { parse } from 'yaml'

const doc = parse(fs.readFileSync(process.argv[2], 'utf8'))
const target = 'test/fixtures/docker-engine-api/reference.json'

const properties = (schema) => {
  const own = Object.keys(schema.properties ?? {})
  const parts = (schema.allOf ?? []).flatMap((part) => properties(resolve(part)))
  return [...new Set([...parts, ...own])]
}
const resolve = (schema) => (schema.$ref ? doc.definitions[schema.$ref.split('/').pop()] : schema)
const bodyOf = (path) =>
  resolve(doc.paths[path].post.parameters.find((one) => one.in === 'body').schema)

const definitions = ['ContainerConfig', 'HostConfig', 'Resources', 'EndpointSettings', 'SystemInfo']
const reference = {
  version: doc.info.version,
  fields: {
    ...Object.fromEntries(definitions.map((name) => [name, properties(doc.definitions[name])])),
    ExecConfig: properties(bodyOf('/containers/{id}/exec')),
    ExecStartConfig: properties(bodyOf('/exec/{id}/start')),
  },
  operations: Object.entries(doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      section: operation.tags[0],
      query: (operation.parameters ?? [])
        .filter((one) => one.in === 'query')
        .map(({ name }) => name),
    })),
  ),
}
fs.writeFileSync(target, JSON.stringify(reference))
execFileSync('node_modules/.bin/prettier', ['--write', target])
