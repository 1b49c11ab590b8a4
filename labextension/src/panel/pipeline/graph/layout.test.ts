import type { Pipeline } from '../../../api/types';
import { viewOf } from './graph';
import { COMPACT, NODE_HEIGHT, ROOMY, labelOf, layoutFor, layoutOf, neighbour, pathOf, shapeOf } from './layout';

function pipeline(edges: readonly (readonly [string, string, ...string[]])[], names: readonly string[]): Pipeline {
  const steps = names.map(
    slug =>
      ({ name: slug.toUpperCase(), slug, cells: [slug], inputs: [], outputs: [], mutates: [], hidden: [], after: [] })
  );
  return {
    schema: 1,
    name: 'p',
    parameters: [],
    steps,
    edges: edges.map(([source, target]) => [source, target]),
    flows: edges.map(([source, target, ...flow]) => ({ source, target, names: flow })),
    diagnostics: []
  };
}

const DIAMOND = pipeline(
  [
    ['load', 'split', 'frame'],
    ['split', 'forest', 'X_train', 'y_train'],
    ['split', 'logistic', 'X_train', 'y_train'],
    ['forest', 'score', 'forest'],
    ['logistic', 'score', 'logistic', 'file:out/report.csv']
  ],
  ['load', 'split', 'forest', 'logistic', 'score']
);

test('every edge leads down, branches stand side by side and nothing overlaps', () => {
  const { nodes, routes } = layoutOf(DIAMOND);
  const at = new Map(nodes.map(node => [node.slug, node]));
  for (const { source, target } of routes) {
    expect(at.get(target)!.y).toBeGreaterThan(at.get(source)!.y + NODE_HEIGHT);
  }
  expect(at.get('forest')!.y).toBe(at.get('logistic')!.y);
  expect(Math.abs(at.get('forest')!.x - at.get('logistic')!.x)).toBeGreaterThanOrEqual(ROOMY.node);
});

test('edges say what flows, and a file by its own name', () => {
  const { routes } = layoutOf(DIAMOND);
  expect(routes.map(route => route.label)).toEqual([
    'frame',
    'X_train, y_train',
    'X_train, y_train',
    'forest',
    'logistic, report.csv'
  ]);
});

test('long labels are cut and say how many names more there are', () => {
  expect(labelOf(['a', 'b', 'c'], 4)).toBe('a, b +1');
  expect(labelOf(['a_very_long_name_of_a_variable', 'b'], 9)).toBe('a_very_lo… +1');
  expect(labelOf([], 9)).toBe('');
});

test('a narrow panel gets narrow steps, and all of the graph stays in it and legible', () => {
  const roomy = layoutOf(DIAMOND);
  const narrow = layoutFor(roomy, DIAMOND, 250);
  expect(narrow.node).toBe(COMPACT.node);
  expect(layoutFor(roomy, DIAMOND, 500)).toBe(roomy);
  for (const [layout, width] of [
    [narrow, 250],
    [roomy, 500]
  ] as const) {
    const { viewport, fits } = viewOf(layout, width);
    expect(fits).toBe(true);
    expect(viewport.zoom).toBeGreaterThan(0.7);
    expect(viewport.x).toBeGreaterThanOrEqual(-1);
  }
});

test('a graph that would be illegible is shown in part, its first step in the middle', () => {
  const wide = pipeline([], [...Array(12).keys()].map(number => `step-${number}`));
  const layout = layoutOf(wide);
  const { viewport, fits } = viewOf(layout, 300);
  expect(fits).toBe(false);
  const first = layout.nodes[0]!;
  expect(viewport.x + (first.x + layout.node / 2) * viewport.zoom).toBeCloseTo(150);
});

test('the layout depends on steps and what flows, not on what cells say', () => {
  const other = { ...DIAMOND, diagnostics: [], name: 'other' };
  expect(shapeOf(other)).toBe(shapeOf(DIAMOND));
  expect(shapeOf(pipeline([['load', 'split']], ['load', 'split']))).not.toBe(shapeOf(DIAMOND));
});

test('an edge to a step that is not there is left out, and a notebook without steps has a layout', () => {
  expect(layoutOf(pipeline([['load', 'gone']], ['load'])).routes).toEqual([]);
  expect(layoutOf(pipeline([], [])).nodes).toEqual([]);
});

test('arrow keys follow the edges and the page', () => {
  expect(neighbour(DIAMOND, 'load', 'ArrowDown')).toBe('split');
  expect(neighbour(DIAMOND, 'score', 'ArrowUp')).toBe('forest');
  expect(neighbour(DIAMOND, 'forest', 'ArrowRight')).toBe('logistic');
  expect(neighbour(DIAMOND, 'load', 'ArrowLeft')).toBeNull();
  expect(neighbour(DIAMOND, 'load', 'End')).toBe('score');
  expect(neighbour(DIAMOND, 'load', 'x')).toBeNull();
});

test('a route begins and ends where its points do', () => {
  const points = [
    { x: 0, y: 0 },
    { x: 10, y: 20 },
    { x: 0, y: 40 }
  ];
  expect(pathOf(points)).toMatch(/^M0,0.*0,40$/);
  expect(pathOf([])).toBe('');
});

test('two hundred steps have places, with labels of one step at a time', () => {
  const names = [...Array(200).keys()].map(number => `s${number}`);
  const edges = names.slice(1).map((name, number) => [names[Math.floor(number / 2)]!, name, 'x'] as const);
  const layout = layoutOf(pipeline(edges, names));
  expect(new Set(layout.nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(200);
  expect(layout.labelled).toBe(false);
});
