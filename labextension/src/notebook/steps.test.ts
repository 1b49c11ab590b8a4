import { addTags, moveBoundary, setAfter, setKind, setMetrics, setSettings, setStep, type Edits } from './retag';
import { boundaryRange, kindOf, place, stepNames, type ICell } from './steps';
import { nameProblem, readTags, withoutTags } from './tags';

/** Cells by their tags, separated by `|`; a text cell is null. */
function cells(...tags: readonly (string | null)[]): ICell[] {
  return tags.map((text, at) => ({
    id: `c${at}`,
    isCode: text !== null,
    tags: text ? text.split('|') : [],
    settings: null,
    isEmpty: false
  }));
}

function changed(before: readonly ICell[], edits: Edits): string[] {
  return before.map((cell, at) => (edits.get(at)?.tags ?? cell.tags).join('|'));
}

function stepsOf(before: readonly ICell[]): (string | null)[] {
  return place(before).map(where => where.step);
}

describe('reading tags', () => {
  test('aliases, blanks and tags of others', () => {
    expect(readTags([' step: load data ', 'mine', 'prev:start'])).toMatchObject({
      role: 'step',
      step: 'load data',
      after: ['start'],
      isOurs: true
    });
    expect(readTags(['block:train']).step).toBe('train');
    expect(readTags(['block:', 'setp:x'])).toMatchObject({ role: 'none', isOurs: false });
    expect(readTags(['pipeline-metrics'])).toMatchObject({ role: 'step', step: null, metrics: true });
    expect(readTags(['imports', 'skip', 'step:a'])).toMatchObject({ role: 'skip', step: null });
    expect(readTags(['toString', 'constructor:x', '__proto__'])).toMatchObject({ role: 'none', isOurs: false });
  });

  test('taking some away leaves the others where they are', () => {
    expect(withoutTags(['a', 'step:x', 'out:df:Dataset', 'after:y', 'metrics', 'b'], 'step', 'after')).toEqual([
      'a',
      'out:df:Dataset',
      'metrics',
      'b'
    ]);
  });

  test('names', () => {
    expect(nameProblem('train: the forest <b>')).toBeNull();
    expect(nameProblem('  ')).toBe('empty');
    expect(nameProblem('a\u0007b')).toBe('unprintable');
    expect(nameProblem('a\nb')).toBe('unprintable');
  });
});

describe('placing cells', () => {
  test('untagged cells belong to the step above, code before the first one to start', () => {
    const found = cells('', 'imports', 'step:a', '', null, 'skip', '', 'metrics', '');
    expect(stepsOf(found)).toEqual(['start', null, 'a', 'a', null, null, 'a', 'metrics', 'a']);
    expect(stepNames(place(found))).toEqual(['start', 'a', 'metrics']);
  });

  test('a second parameters cell is ordinary code, the injected one is not', () => {
    const found = cells('parameters', 'injected-parameters', 'step:a', 'parameters');
    expect(place(found).map(where => where.role)).toEqual(['parameters', 'parameters', 'step', 'step']);
  });

  test('metrics cells do not take the name of a step', () => {
    expect(stepsOf(cells('step:metrics', 'metrics', 'metrics'))).toEqual(['metrics', 'metrics 2', 'metrics 3']);
  });

  test('comments before the first step are no step', () => {
    const [remark, code] = cells('', 'step:a');
    expect(stepsOf([{ ...remark!, isEmpty: true }, code!])).toEqual([null, 'a']);
  });

  test('what a place is called', () => {
    const found = place(cells('', 'imports', 'step:a', '', 'metrics', null));
    expect(found.map(kindOf)).toEqual(['above', 'imports', 'step', 'above', 'metrics', null]);
  });
});

describe('changing kinds', () => {
  test('what stays of a step keeps its name, order and settings', () => {
    const before = cells('step:a', 'step:b|after:a|mine', '', '');
    const first = { ...before[1]!, settings: { memory: '4Gi' } };
    const given = [before[0]!, first, before[2]!, before[3]!];
    const edits = setKind(given, [1], 'imports');
    expect(changed(given, edits)).toEqual(['step:a', 'imports|mine', 'step:b|after:a', '']);
    expect(edits.get(2)?.settings).toEqual({ memory: '4Gi' });
    expect(edits.get(1)?.settings).toBeNull();
  });

  test('a whole step joins the one above', () => {
    const before = cells('step:a', 'step:b', '');
    expect(changed(before, setKind(before, [1, 2], 'above'))).toEqual(['step:a', '', '']);
  });

  test('text cells among the chosen are left alone', () => {
    const before = cells('', null, '');
    expect(changed(before, setKind(before, [0, 1, 2], 'skip'))).toEqual(['skip', '', 'skip']);
  });

  test('what can stand with no role goes, tags of others stay', () => {
    const before = cells('step:a|in:x|out:y|metrics|mine');
    expect(changed(before, setKind(before, [0], 'setup'))).toEqual(['setup|mine']);
  });

  test('nothing changes where nothing is to change', () => {
    expect(setKind(cells('imports'), [0], 'imports').size).toBe(0);
  });
});

describe('changing steps', () => {
  test('a new name at the first cell renames the step and who waits for it', () => {
    const before = cells('step:a', '', 'step:a|mine', 'step:b|after:a');
    expect(changed(before, setStep(before, [0], ' c '))).toEqual(['step:c', '', 'step:c|mine', 'step:b|after:c']);
  });

  test('a name within a step begins a new one there', () => {
    const before = cells('step:a', '', '');
    expect(changed(before, setStep(before, [1], 'b'))).toEqual(['step:a', 'step:b', '']);
  });

  test('a first cell joins another step, and the rest keeps its own', () => {
    const before = cells('step:a', 'step:b', '');
    expect(changed(before, setStep(before, [1], 'a'))).toEqual(['step:a', '', 'step:b']);
  });

  test('several cells, of several kinds, become one step', () => {
    const before = cells('step:a', 'step:b', '', 'skip', 'step:c', '');
    const after = changed(before, setStep(before, [1, 2, 3, 4], 'new'));
    expect(after).toEqual(['step:a', 'step:new', '', '', '', 'step:c']);
  });

  test('an untagged notebook begins with its first tag', () => {
    const before = cells('', '', '');
    expect(changed(before, setStep(before, [1], 'a'))).toEqual(['', 'step:a', '']);
  });

  test('a metrics cell that joins a step goes on measuring', () => {
    const before = cells('step:a', 'metrics');
    expect(changed(before, setStep(before, [1], 'a'))).toEqual(['step:a', 'step:a|metrics']);
  });

  test('metrics within a step stay in it', () => {
    const before = cells('step:a', '');
    const after = setMetrics(before, 1, true);
    expect(changed(before, after)).toEqual(['step:a', 'step:a|metrics']);
  });
});

describe('boundaries', () => {
  const before = cells('step:a', '', 'step:b|after:a', '', '');

  test('where it can go: both steps keep a cell', () => {
    expect(boundaryRange(place(before), 2)).toEqual([1, 4]);
    expect(boundaryRange(place(before), 0)).toEqual([0, 1]);
    expect(boundaryRange(place(cells('', 'step:a', 'imports', '')), 1)).toEqual([0, 3]);
    expect(boundaryRange(place(cells('step:a', 'step:b')), 1)).toBeNull();
    expect(boundaryRange(place(before), 3)).toBeNull();
    expect(boundaryRange(place(cells('step:a', 'step:b', '')), 1)).toEqual([1, 2]);
  });

  test('down: cells go to the step above', () => {
    expect(changed(before, moveBoundary(before, 2, 4))).toEqual(['step:a', '', '', '', 'step:b|after:a']);
  });

  test('up: cells of the step above join', () => {
    expect(changed(before, moveBoundary(before, 2, 1))).toEqual(['step:a', 'step:b|after:a', '', '', '']);
  });

  test('there and back again is nothing', () => {
    const there = changed(before, moveBoundary(before, 2, 4));
    const moved = cells(...there);
    expect(changed(moved, moveBoundary(moved, 4, 2))).toEqual(before.map(cell => cell.tags.join('|')));
  });

  test('tags that say the same go with it', () => {
    const tagged = cells('step:a', 'step:a', 'step:b', 'step:b');
    expect(changed(tagged, moveBoundary(tagged, 2, 1))).toEqual(['step:a', 'step:b', '', 'step:b']);
    expect(changed(tagged, moveBoundary(tagged, 2, 3))).toEqual(['step:a', 'step:a', '', 'step:b']);
  });

  test('beyond its range it does not go', () => {
    expect(moveBoundary(before, 2, 0).size).toBe(0);
    expect(moveBoundary(before, 3, 2).size).toBe(0);
  });
});

test('what a step waits for stands at its first cell', () => {
  const before = cells('step:a', 'step:b', 'after:a');
  expect(changed(before, setAfter(before, 2, ['a', 'a']))).toEqual(['step:a', 'step:b|after:a', '']);
});

test('settings go to the first cell of the step', () => {
  const before = cells('step:a', '', '');
  expect([...setSettings(before, 2, { cpu: '2' })]).toEqual([[0, { settings: { cpu: '2' } }]]);
});

test('proposed tags are added once', () => {
  const before = cells('mine', 'step:a');
  const tags = new Map([
    ['c0', ['imports']],
    ['c1', ['step:a']]
  ]);
  expect(changed(before, addTags(before, tags))).toEqual(['mine|imports', 'step:a']);
});
