/**
 * The import arrows of the library. A layer may import those above it in this list, never one below, and never in circles.
 * Adapters (dispatch/) and faces (server/, cli/) never import each other sideways.
 */
const LAYERS = [
  'base',
  'grammar',
  'heap',
  'task',
  'event',
  'resource',
  'queue',
  'predictor',
  'policy',
  'scheduler',
  'runtime',
  'memory',
  'dispatch',
  'agents',
  'telemetry',
];

const PURE = ['grammar', 'task', 'event', 'resource', 'queue', 'predictor', 'policy', 'scheduler'];

const downward = LAYERS.map((layer, index) => ({
  name: `${layer}-imports-up-only`,
  severity: 'error',
  from: { path: `^lib/${layer}/` },
  to: {
    path: `^lib/(${[...LAYERS.slice(index + 1), 'server', 'cli'].join('|')})/|^lib/(yard|yard-[a-z]+|index)\\.ts$`,
  },
}));

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...downward,
    {
      name: 'runtime-knows-adapters-by-port-only',
      severity: 'error',
      from: { path: '^lib/runtime/' },
      to: { path: '^lib/(memory|dispatch)/' },
    },
    {
      name: 'server-is-built-on-the-service',
      severity: 'error',
      from: { path: '^lib/server/' },
      to: { path: '^lib/(cli|dispatch|scheduler|queue|policy)/|^lib/(yard|index)\\.ts$' },
    },
    {
      name: 'p-queue-is-built-on-the-runtime',
      severity: 'error',
      from: { path: '^lib/p-queue/' },
      to: { path: '^lib/(memory|dispatch|telemetry|server|cli)/|^lib/(yard|index)\\.ts$' },
    },
    {
      name: 'nobody-imports-p-queue',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/p-queue/' },
      to: { path: '^lib/p-queue/' },
    },
    {
      name: 'testing-needs-no-face',
      severity: 'error',
      from: { path: '^lib/testing/' },
      to: { path: '^lib/(server|mcp|cli|p-queue)/' },
    },
    {
      name: 'nobody-imports-testing',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/testing/' },
      to: { path: '^lib/testing/' },
    },
    {
      name: 'nobody-imports-the-command-line',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/cli/' },
      to: { path: '^lib/cli/' },
    },
    {
      name: 'pure-layers-do-no-input-or-output',
      severity: 'error',
      from: { path: `^lib/(${PURE.join('|')})/` },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'the-engine-library-stays-in-the-engine',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/dispatch/engine/' },
      to: { path: 'node_modules/node-llama-cpp' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
