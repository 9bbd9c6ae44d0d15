/**
 * The layers of the code: who may import whom. Held by `npm run layers`, which also looks for what an import cannot
 * show (clocks, chance, output) in the layers marked pure.
 *
 * A layer is a folder, or a file of that name. A test may import anything. A layer that is not in the table is
 * refused, so that a new folder has to be given its arrows here.
 */
const ALL = ['src']
const layers = {
  'src/trace': { pure: true, may: ['node_modules/pure-rand'] },
  // What a thread is told when it is started: the only thing that a pure layer reads from outside.
  'src/geometry': { may: [] },
  'src/state': { pure: true, may: ['src/geometry', 'src/trace/by-id'] },
  'src/params': { pure: true, may: [] },
  'src/workload': { pure: true, may: ['src/trace', 'src/params'] },
  'src/policy': { pure: true, may: ['src/state', 'src/params'] },
  'src/sim': { pure: true, may: ['src/state', 'src/policy', 'src/trace'] },
  'src/oracle': { pure: true, may: ['src/trace', 'src/policy/verdict'] },
  'src/metrics': { pure: true, may: ['src/oracle/judge', 'src/policy/verdict'] },
  // The lists are the only files that see their neighbours.
  'policies/index': { pure: true, may: ['src/policy/api', 'policies'] },
  'workloads/index': { pure: true, may: ['src/workload/api', 'workloads'] },
  // A policy may build on the one that it refined: that is how the eras came about.
  policies: { pure: true, may: ['src/policy/api'] },
  workloads: { pure: true, may: ['src/workload/api'], alone: true },

  'src/files': { may: [] },
  'src/results': { may: ['src/metrics', 'src/files'] },
  'src/report': { may: ['src/metrics', 'src/results', 'src/files'] },
  'src/load': {
    may: [
      'src/files',
      'src/trace',
      'src/params',
      'src/policy',
      'src/workload',
      'src/plug-in',
      'policies',
      'workloads',
    ],
  },
  'src/stream': { may: ['src/trace', 'src/params', 'src/workload', 'src/load'] },
  'src/litmus': { may: ['src/trace', 'src/params', 'src/run', 'src/files'] },
  // It is a machine, an oracle and a search in one: everything but the ways to start it.
  'src/check': { may: ALL, not: ['src/cli', 'src/worker', 'src/live'] },
  'src/live': { may: ['src/run', 'src/litmus', 'src/load', 'src/trace', 'src/files'] },
  'src/explain': {
    may: ['src/run', 'src/litmus', 'src/trace', 'src/policy', 'src/oracle', 'src/sim', 'src/state'],
  },
  'src/run': { may: ALL, not: ['src/cli', 'src/worker', 'src/load', 'src/check', 'src/live'] },
  'src/against-recording': { may: ['src/run', 'src/sim', 'src/policy', 'src/trace'] },
  'src/plan': { may: ALL, not: ['src/cli', 'src/worker', 'src/load', 'src/check', 'src/live'] },
  'src/hooks-of': { pure: true, may: ['policies', 'src/params', 'src/policy'] },
  // What a loaded file imports as `cowbench`.
  'src/plug-in': { may: ['src/index', 'src/hooks-of', 'src/policy'] },
  'src/index': { may: [...ALL, 'policies', 'workloads'], not: ['src/cli', 'src/worker'] },
  // Functions do not cross threads: names and paths do, so the worker loads policies again.
  'src/worker': { may: [...ALL, 'policies', 'workloads'] },
  'src/cli': { may: [...ALL, 'policies', 'workloads'] },
}

const TEST = '(\\.test|\\.soak)\\.ts$|^src/test/'
const OUTSIDE = ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown']

/** Matches the folder of that name and the file of that name, and nothing that merely begins like it. */
const within = (layer) => `^${layer}(/|\\.ts$)`
const known = Object.keys(layers).map(within)
const deeper = (name) => Object.keys(layers).filter((other) => other.startsWith(`${name}/`))

const arrows = Object.entries(layers).map(([name, { pure, may, not = [], alone }]) => ({
  name: `layer ${name}`,
  comment: `${name} may import ${may.join(', ') || 'nothing'}${not.length ? `, not ${not.join(', ')}` : ''}${pure ? '' : ', and what Node and npm offer'}`,
  severity: 'error',
  from: { path: within(name), pathNot: [TEST, ...deeper(name).map(within)] },
  to: {
    // A folder whose files stand alone may not even import a sibling.
    pathNot: [...(alone ? [] : [within(name)]), ...may.map(within)],
    ...(pure ? {} : { dependencyTypesNot: OUTSIDE }),
  },
}))

const exceptions = Object.entries(layers)
  .filter(([, { not }]) => not)
  .map(([name, { not }]) => ({
    name: `layer ${name}, exceptions`,
    comment: `${name} may not import ${not.join(', ')}`,
    severity: 'error',
    from: { path: within(name), pathNot: TEST },
    to: { path: not.map(within) },
  }))

/** Folders whose answers depend on their arguments alone. Read by scripts/check-layers.ts. */
export const PURE = Object.keys(layers).filter((name) => layers[name].pure)

export default {
  forbidden: [
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    ...arrows,
    ...exceptions,
    {
      name: 'every file has a layer',
      comment: 'give the new folder or file a row in .dependency-cruiser.mjs',
      severity: 'error',
      from: { path: '^src/', pathNot: [TEST, ...known] },
      to: {},
    },
    {
      name: 'every import has a layer',
      comment: 'give the new folder or file a row in .dependency-cruiser.mjs',
      severity: 'error',
      from: { pathNot: TEST },
      to: { path: '^src/', pathNot: [TEST, ...known] },
    },
    {
      name: 'tests are not shipped',
      comment: 'only a test may import a test or its helpers',
      severity: 'error',
      from: { pathNot: TEST },
      to: { path: TEST },
    },
    {
      name: 'development packages are not shipped',
      comment: 'move the package to "dependencies", or the import to a test',
      severity: 'error',
      from: { path: '^(src|policies|workloads)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // `import type` counts: an arrow is an arrow.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
