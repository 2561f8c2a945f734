import next from 'eslint-config-next'
import importX from 'eslint-plugin-import-x'
import jsdoc from 'eslint-plugin-jsdoc'
import tseslint from 'typescript-eslint'

/** `of` may not import `from`: what is lower never imports what is higher (ARCHITECTURE.md, "One-way rule"). */
const zone = (of, from, message, except) => ({
  target: of,
  from,
  message,
  ...(except === undefined ? {} : { except }),
})

const ENGINE_DOORS = [
  './contract.ts',
  './contract',
  './index.ts',
  './errors.ts',
  './instance.ts',
  './lock.ts',
  './compile-early.ts',
  './go-boolean.ts',
  './take-rest.ts',
  './types',
  './images/reference.ts',
  './tree/ignore-rules.ts',
  './api/server.ts',
  './registry-server/door.ts',
  './remote/remote-engine.ts',
]

export default tseslint.config(
  {
    ignores: [
      '.next/',
      'dist/',
      'node_modules/',
      'prisma/generated/',
      'engine/native/build/',
      'test/artefacts/',
      'next-env.d.ts',
      'engine/types/docker.ts',
      'coverage/',
    ],
  },
  ...next,
  {
    rules: {
      // Signing in and out load the page anew on purpose: nothing of the other session stays in memory.
      '@next/next/no-location-assign-relative-destination': 'off',
      // Says only that the React Compiler leaves components with a virtual list as they are.
      'react-hooks/incompatible-library': 'off',
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: [
                'test',
                'it',
                'describe',
                'suite',
                'before',
                'after',
                'beforeEach',
                'afterEach',
              ],
            },
          ],
        },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        {
          fixStyle: 'separate-type-imports',
          disallowTypeAnnotations: false,
          prefer: 'type-imports',
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      // Interfaces of promises are also met by what has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false } },
      ],
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      'no-console': 'off',
      'import-x/no-restricted-paths': [
        'error',
        {
          basePath: import.meta.dirname,
          zones: [
            zone(
              './engine',
              ['./server', './app', './components', './prisma'],
              'engine/ knows nothing of what is above it.',
            ),
            zone(
              './server',
              './engine',
              'server/ sees the contract, index, errors, instance, types, references, ignore rules, booleans and the API server.',
              ENGINE_DOORS,
            ),
            zone('./server', ['./app', './components'], 'server/ knows nothing of pages.'),
            zone(
              ['./app', './components'],
              './engine',
              'Pages see types and the contract of the engine only.',
              ['./types', './contract.ts', './contract'],
            ),
            zone(
              ['./app', './components'],
              './server',
              'Pages see server/api and the live protocol only.',
              ['./api', './live/protocol.ts'],
            ),
            zone('./components', './app', 'Components know nothing of routes.'),
            ...engineLayers(),
          ],
        },
      ],
    },
  },
  {
    files: ['engine/**/*.ts'],
    plugins: { jsdoc },
    rules: {
      'jsdoc/check-tag-names': ['error', { definedTags: ['see'] }],
      'jsdoc/check-param-names': [
        'error',
        { checkDestructured: false, disableMissingParamChecks: true },
      ],
      'jsdoc/no-types': 'error',
      'jsdoc/empty-tags': 'error',
    },
  },
  {
    files: ['test/**/*.ts', 'test/**/*.tsx'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
    },
  },
)

/** containers, build → runtime, networks, images, volumes, logs → store, cgroups, netlink, events → native */
function engineLayers() {
  const high = ['containers', 'build']
  const middle = ['runtime', 'networks', 'images', 'volumes', 'logs']
  const low = [
    'store',
    'tree',
    'cgroups',
    'netlink',
    'events',
    'tar',
    'oci',
    'registry',
    'dockerfile',
  ]
  const at = (names) => names.map((name) => `./engine/${name}`)
  return [
    zone(at(middle), at(high), 'containers/ and build/ are above.'),
    zone(at(low), at([...high, ...middle]), 'A lower layer never imports a higher one.'),
    zone('./engine/native', at([...high, ...middle, ...low]), 'native/ is the lowest layer.'),
  ]
}
