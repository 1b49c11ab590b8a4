import { nullTranslator } from '@jupyterlab/translation';
import type { Comparison, Figure } from '../../api/types';
import { barsSpec, curvesSpec, parallelSpec, scatterSpec } from './charts';
import { changedLines, formatDelta, rowsOf } from './lines';
import { coordinatesOf, curvesOf, measuresOf, numericOf, varied } from './numbers';
import { pairsOf } from './pairs';

const trans = nullTranslator.load('jupyter_mlops');
const THEME = { text: '#111', line: '#ccc' };
const RUNS = [
  { id: 'r1', name: 'brisk-otter', colour: '#f00' },
  { id: 'r2', name: 'calm-heron', colour: '#00f' }
];
const COMPARISON: Comparison = {
  schema: 1,
  baseline: 'r1',
  differs: true,
  results_differ: true,
  runs: RUNS.map(run => ({ run_id: run.id, pipeline: 'p', status: 'succeeded', started: 0, seconds: 1 })),
  fields: [{ name: 'commit', values: ['a', 'b'], differs: true }],
  parameters: [
    { name: 'n.trees', differs: true, cells: [{ value: 100, source: null }, { value: 300, source: '-p' }] },
    { name: 'kind', differs: true, cells: [{ value: 'rf', source: null }, null] }
  ],
  metrics: [
    { name: 'accuracy', differs: true, values: [0.953, 0.961], deltas: [0, 0.008], percents: [0, 0.84] },
    { name: 'loss', differs: true, values: [0.5, 'NaN'], deltas: [0, null], percents: [0, null] }
  ],
  code: [
    {
      run_id: 'r2',
      known: true,
      cells: [
        { status: 'changed', id: 'c', other_id: null, number: 1, other_number: 1, step: 'fit', moved: false, diff: '@@ -1 +1 @@\n-a\n+b', tags: null },
        { status: 'same', id: 'd', other_id: null, number: 2, other_number: 2, step: null, moved: false, diff: '', tags: null }
      ]
    }
  ],
  steps: [{ name: 'fit', slug: 'fit', differs: false, cells: [{ status: 'succeeded', seconds: 1, computed_in: null }, null] }],
  data: [
    {
      name: 'frame',
      step: 'load',
      kind: 'value',
      differs: true,
      cells: [
        { digest: 'aaaaaaaaaaaa', bytes: 10, type: 'x', same: null, changes: [] },
        { digest: 'bbbbbbbbbbbb', bytes: 20, type: 'x', same: false, changes: ['+1 column'] }
      ]
    }
  ],
  environment: [{ name: 'scikit-learn', values: ['1.9.1', '1.9.1'], differs: false }],
  notes: []
};

test('rows say what differs from the baseline, and by how much', () => {
  const rows = rowsOf(COMPARISON, trans);
  const row = (kind: string, name: string): (typeof rows)[number] =>
    rows.find(one => one.kind === kind && one.name === name)!;
  expect(row('parameter', 'n.trees').cells.map(cell => [cell.text, cell.differs])).toEqual([['100', false], ['300', true]]);
  expect(row('parameter', 'kind').cells.map(cell => [cell.text, cell.differs])).toEqual([['rf', false], ['', true]]);
  expect(row('metric', 'accuracy').cells.map(cell => cell.delta)).toEqual(['', '▲ 0.008 (+0.84 %)']);
  expect(row('metric', 'loss').cells.map(cell => [cell.text, cell.delta])).toEqual([['0.5', ''], ['NaN', '']]);
  expect(row('code', 'fit').cells.map(cell => cell.text)).toEqual(['', '2 lines differ']);
  expect(row('data', 'frame').cells[1]).toMatchObject({ text: 'bbbbbbbb · 20 B · +1 column', differs: true });
  expect(rows.filter(one => one.differs).map(one => one.name)).not.toContain('scikit-learn');
  expect(new Set(rows.map(one => one.cells.length))).toEqual(new Set([2]));
});

test('differences have a direction', () => {
  expect([formatDelta(-3.4, -40), formatDelta(0, 0), formatDelta(2, null)]).toEqual(['▼ 3.4 (-40 %)', '', '▲ 2']);
  expect(changedLines('@@ -1 +1,2 @@\n-a\n+b\n+c\n d')).toBe(3);
});

test('what is not all numbers is not drawn by its size', () => {
  const measures = measuresOf(COMPARISON);
  expect(measures.map(one => one.name)).toEqual(['n.trees', 'kind', 'accuracy', 'loss']);
  expect(numericOf(measures).map(one => one.name)).toEqual(['n.trees', 'accuracy']);
  expect(varied(measures).map(one => one.name)).toEqual(['n.trees', 'accuracy', 'loss']);
});

test('runs cross an axis by size, or by order where there are other things than numbers', () => {
  const found = coordinatesOf(
    [
      { kind: 'parameter', name: 'n', values: [100, 300] },
      { kind: 'parameter', name: 'same', values: [1, 1] },
      { kind: 'parameter', name: 'kind', values: ['svm', 'rf'] },
      { kind: 'metric', name: 'gone', values: [null, 2] }
    ],
    RUNS
  );
  expect(found.map(one => [one.run, one.measure, one.place, one.shown])).toEqual([
    ['brisk-otter', 'n', 0, '100'],
    ['calm-heron', 'n', 1, '300'],
    ['brisk-otter', 'same', 0.5, '1'],
    ['calm-heron', 'same', 0.5, '1'],
    ['brisk-otter', 'kind', 1, 'svm'],
    ['calm-heron', 'kind', 0, 'rf'],
    ['calm-heron', 'gone', 0.5, '2']
  ]);
});

test('charts have the runs’ colours, and names only as values', () => {
  const metrics = numericOf(measuresOf(COMPARISON)).filter(one => one.kind === 'metric');
  const bars = barsSpec(metrics, RUNS, THEME) as never as { data: { values: unknown[] }; spec: { encoding: { color: unknown } } };
  expect(bars.data.values).toEqual([
    { run: 'brisk-otter', metric: 'accuracy', value: 0.953 },
    { run: 'calm-heron', metric: 'accuracy', value: 0.961 }
  ]);
  expect(bars.spec.encoding.color).toMatchObject({ scale: { domain: ['brisk-otter', 'calm-heron'], range: ['#f00', '#00f'] } });
  const [x, y] = numericOf(measuresOf(COMPARISON));
  const scatter = scatterSpec(x!, y!, RUNS, THEME) as never as { encoding: { x: object }; data: { values: unknown[] } };
  expect(scatter.encoding.x).toMatchObject({ field: 'x', title: 'n.trees' });
  expect(scatter.data.values).toHaveLength(2);
  expect(JSON.stringify(parallelSpec([x!, y!], RUNS, THEME))).toContain('"measure":"n.trees"');
});

test('curves leave out single points and values that are no numbers', () => {
  const histories = [
    { name: 'loss', run_id: 'r1', points: [{ iteration: 0, value: 1 }, { iteration: 1, value: null }, { iteration: 2, value: 0.5 }] },
    { name: 'once', run_id: 'r1', points: [{ iteration: 0, value: 1 }] }
  ];
  expect(curvesOf(histories).map(one => one.name)).toEqual(['loss']);
  const spec = curvesSpec(curvesOf(histories), RUNS, THEME) as never as { data: { values: unknown[] } };
  expect(spec.data.values).toEqual([
    { run: 'brisk-otter', metric: 'loss', step: 0, value: 1 },
    { run: 'brisk-otter', metric: 'loss', step: 2, value: 0.5 }
  ]);
});

test('figures of the same cell stand side by side', () => {
  const figure = (digest: string, cell: string | null, name = 'figure'): Figure => ({
    step: 'draw',
    cell,
    number: cell ? 1 : null,
    name,
    type: 'image/png',
    digest,
    bytes: 1
  });
  const pairs = pairsOf({ r1: [figure('a', 'c1'), figure('b', null, 'roc')], r2: [figure('a', 'c1'), figure('x', null, 'roc'), figure('y', 'c9')] }, ['r1', 'r2']);
  expect(pairs.map(pair => [pair.figures.map(one => one?.digest ?? null), pair.differs])).toEqual([
    [['a', 'a'], false],
    [['b', 'x'], true],
    [[null, 'y'], true]
  ]);
});
