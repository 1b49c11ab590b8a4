import { nullTranslator } from '@jupyterlab/translation';
import type { Lineage, LineageNode } from '../../api/types';
import { drawn } from './drawn';
import { branchesOf, factsOf, leftOut, modelOf, questionFrom, startOf, titleOf, whatOf, type IBranch } from './trace';
import { numberText, secondsText, shortRun, sizeText } from './words';

const trans = nullTranslator.load('jupyter_mlops');
const RUN = '20261124-151303-noble-lake-89d6';

function node(id: string, kind: LineageNode['kind'], more: Partial<LineageNode> = {}): LineageNode {
  const nothing = { run_id: null, step: null, status: null, seconds: null, computed_in: null, artifact: null };
  return {
    ...{ ...nothing, digest: null, bytes: null, type: null, cells: [], more_up: 0, more_down: 0, at_least: false },
    ...{ id, kind, name: id, ...more }
  };
}

const LINEAGE: Lineage = {
  schema: 1,
  asked: 'latest:forest',
  start: 'artifact:forest',
  direction: 'both',
  nodes: [
    node('artifact:forest', 'artifact', { name: 'forest', run_id: RUN, step: 'train', bytes: 861895, type: 'sklearn.ensemble.RandomForestClassifier' }),
    node('step:train', 'step', { name: 'train', run_id: RUN, step: 'train', status: 'succeeded', seconds: 5.08 }),
    node('artifact:X', 'artifact', { name: 'X', run_id: RUN, step: 'split' }),
    node('artifact:y', 'artifact', { name: 'y', run_id: RUN, step: 'split' }),
    node('step:split', 'step', { name: 'split', run_id: RUN, step: 'split', computed_in: 'other', seconds: 0 }),
    node('model:churn/3', 'model', { name: 'churn version 3 (champion)', run_id: RUN }),
    node('step:evaluate', 'step', { name: 'evaluate', more_down: 1200, at_least: true })
  ],
  edges: [
    { source: 'step:train', target: 'artifact:forest', relation: 'made' },
    { source: 'artifact:X', target: 'step:train', relation: 'took' },
    { source: 'artifact:y', target: 'step:train', relation: 'took' },
    { source: 'step:split', target: 'artifact:X', relation: 'made' },
    { source: 'step:split', target: 'artifact:y', relation: 'made' },
    { source: 'artifact:forest', target: 'model:churn/3', relation: 'registered' },
    { source: 'artifact:forest', target: 'step:evaluate', relation: 'took' }
  ],
  runs: [],
  notes: [],
  cut: true
};

function names(branches: readonly IBranch[]): unknown[] {
  return branches.map(branch => [branch.node.id, ...(branch.isRepeated ? ['again'] : []), ...names(branch.branches)]);
}

test('what made it and what used it are trees in which each thing branches out once', () => {
  expect(names(branchesOf(LINEAGE, 'up'))).toEqual([
    ['step:train', ['artifact:X', ['step:split']], ['artifact:y', ['step:split', 'again']]]
  ]);
  expect(names(branchesOf(LINEAGE, 'down'))).toEqual([['model:churn/3'], ['step:evaluate']]);
});

test('a circle ends', () => {
  const edges: Lineage['edges'] = [...LINEAGE.edges, { source: 'artifact:forest', target: 'step:split', relation: 'took' }];
  expect(names(branchesOf({ ...LINEAGE, edges }, 'up'))).toHaveLength(1);
});

test('each kind of thing can be asked for', () => {
  expect(LINEAGE.nodes.map(whatOf)).toEqual([
    `${RUN}:train/forest`,
    `${RUN}:train`,
    `${RUN}:split/X`,
    `${RUN}:split/y`,
    `${RUN}:split`,
    'model:churn/3',
    'null:null'
  ]);
  expect(whatOf(node('file:abcd', 'file', { name: 'data.csv', digest: 'abcd' }))).toBe('abcd');
  expect(whatOf(node('run:r', 'run', { name: 'r', run_id: 'r' }))).toBe('r');
});

test('a model is known by its name and version, whatever is in the name', () => {
  expect(modelOf(node('model:who will <b>leave</b>/12', 'model'))).toEqual({ name: 'who will <b>leave</b>', version: 12 });
  expect(modelOf(node('step:train', 'step'))).toBeNull();
});

test('facts say state, size and kind', () => {
  expect(factsOf(LINEAGE.nodes[0]!, trans)).toEqual(['RandomForestClassifier', '862 KB']);
  expect(factsOf(LINEAGE.nodes[1]!, trans)).toEqual(['succeeded', 'noble-lake-89d6', '5.1 s']);
  expect(factsOf(LINEAGE.nodes[4]!, trans)).toEqual(['reused', 'noble-lake-89d6']);
  expect(leftOut(LINEAGE.nodes[6]!, 'down', trans)).toMatch(/1.?200 or more/);
  expect(leftOut(LINEAGE.nodes[6]!, 'up', trans)).toBeNull();
});

test('the drawing has a box for each thing and for what is left out', () => {
  const { boxes, lines } = drawn(LINEAGE, trans);
  expect(boxes).toHaveLength(8);
  expect(lines).toHaveLength(8);
  expect(new Set(boxes.map(box => box.id)).size).toBe(8);
  expect(boxes[0]).toMatchObject({ name: 'artifact forest, RandomForestClassifier · 862 KB' });
  expect(lines.find(line => line.target === 'model:churn/3')?.label).toBe('registered');
  expect(boxes.filter(box => box.more).map(box => box.more)).toEqual(['down']);
});

test('what was kept of a question is checked', () => {
  expect(questionFrom(null)).toEqual({ what: 'latest', direction: 'both', depth: null });
  expect(questionFrom({ what: ' ', direction: 'sideways', depth: -1 })).toEqual({ what: 'latest', direction: 'both', depth: null });
  expect(questionFrom({ what: 'a:b', direction: 'up', depth: 3 })).toEqual({ what: 'a:b', direction: 'up', depth: 3 });
});

test('words', () => {
  expect([0, 999, 1000, 137_000, 2_100_000].map(sizeText)).toEqual(['0 B', '999 B', '1.0 KB', '137 KB', '2.1 MB']);
  expect([0.04, 3.14, 42, 75, 7260].map(secondsText)).toEqual(['0.04 s', '3.1 s', '42 s', '1 min 15 s', '2 h 1 min']);
  expect(shortRun(RUN)).toBe('noble-lake-89d6');
  expect(shortRun('kfp-run')).toBe('kfp-run');
  expect([0.93007, 0.1 + 0.2, 'NaN'].map(numberText)).toEqual(['0.93007', '0.3', 'NaN']);
  expect(titleOf(LINEAGE.nodes[0]!)).toBe('forest');
  expect(startOf(LINEAGE)?.id).toBe('artifact:forest');
});
