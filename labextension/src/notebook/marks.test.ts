import type { CellAnalysis, Diagnostic } from '../api/types';
import { SHARED } from '../colours';
import { NO_FACTS, type IFacts } from './facts';
import { isSame, isTagged, marksOf, summaryOf } from './marks';
import { namesIn } from './loading';
import { sectionOf } from './pages';
import { fieldProblem, inShort, toForm, withField } from './settings';
import type { ICell } from './steps';

jest.mock('@jupyterlab/apputils', () => ({}));

function cell(id: string, tags: readonly string[], isCode = true): ICell {
  return { id, isCode, tags, settings: null, isEmpty: false };
}

function facts(id: string, name: string, more: Partial<CellAnalysis> = {}): IFacts {
  const said = { name, inputs: ['x'], outputs: ['y'], mutates: [], hidden: [], diagnostics: [], ...more };
  return { cells: new Map([[id, said as unknown as CellAnalysis]]), diagnostics: said.diagnostics };
}

const PROBLEM: Diagnostic = { code: 'MLO001', severity: 'error', message: 'm', cell: 'a', line: 1, hint: null };

describe('marks', () => {
  test('what flows is shown as long as the cell is in the step that the analysis means', () => {
    const known = facts('a', 'load');
    expect(marksOf([cell('a', ['step:load'])], known, null)[0]).toMatchObject({ step: 'load', inputs: ['x'] });
    expect(marksOf([cell('a', ['step:other'])], known, null)[0]).toMatchObject({ step: 'other', inputs: [] });
    expect(marksOf([cell('new', ['step:load'])], known, null)[0]).toMatchObject({ outputs: [] });
  });

  test('colours follow the order of the steps; what is in none has that of shared cells', () => {
    const shown = marksOf([cell('a', ['imports']), cell('b', ['step:x']), cell('c', []), cell('d', ['step:y'])], NO_FACTS, null);
    expect(shown[0]?.colour).toBe(SHARED);
    expect(shown[1]?.colour).toBe(shown[2]?.colour);
    expect(shown[3]?.colour).not.toBe(shown[1]?.colour);
  });

  test('text cells have none, remarks are no problems', () => {
    const remark: Diagnostic = { ...PROBLEM, severity: 'info' };
    const shown = marksOf([cell('t', [], false), cell('a', ['step:x'])], facts('a', 'x', { diagnostics: [PROBLEM, remark] }), null);
    expect(shown[0]).toBeNull();
    expect(shown[1]?.problems).toEqual([PROBLEM]);
  });

  test('equal marks are the same, so that nothing is drawn', () => {
    const draw = (name: string): ReturnType<typeof marksOf>[0] => marksOf([cell('a', [`step:${name}`])], NO_FACTS, null)[0]!;
    expect(isSame(draw('x'), draw('x'))).toBe(true);
    expect(isSame(draw('x'), draw('z'))).toBe(false);
    expect(isSame(draw('x'), null)).toBe(false);
  });

  test('proposals are shown as if they were there, with their reason', () => {
    const proposals = new Map([['b', { add: ['step:sum'], reason: 'a heading' }]]);
    const shown = marksOf([cell('a', []), cell('b', [])], NO_FACTS, proposals);
    expect(shown.map(mark => [mark?.step, mark?.proposal])).toEqual([
      ['start', null],
      ['sum', 'a heading']
    ]);
  });

  test('whether a notebook says anything of a pipeline', () => {
    expect(isTagged([cell('a', ['mine']), cell('b', [])])).toBe(false);
    expect(isTagged([cell('a', ['parameters'])])).toBe(true);
    expect(isTagged([cell('a', ['step:x'], false)])).toBe(false);
  });

  test('the summary counts errors and warnings', () => {
    const known = facts('a', 'x', { diagnostics: [PROBLEM, { ...PROBLEM, severity: 'warning' }, { ...PROBLEM, severity: 'info' }] });
    expect(summaryOf([cell('a', ['step:x']), cell('b', ['metrics'])], known)).toEqual({ steps: 2, errors: 1, warnings: 1 });
  });
});

describe('settings', () => {
  test('fields are read and written, what has no field stays', () => {
    const before = { memory: '4Gi', env: { A: '1' }, accelerator: 'nvidia.com/gpu', cache: false, retries: 2 };
    expect(toForm(before)).toMatchObject({ memory: '4Gi', device: 'nvidia.com/gpu', devices: '', cache: 'off', retries: '2' });
    expect(withField(before, 'memory', ' ')).toEqual({ env: { A: '1' }, accelerator: 'nvidia.com/gpu', cache: false, retries: 2 });
    expect(withField(before, 'devices', '2')?.['accelerator']).toEqual({ type: 'nvidia.com/gpu', count: 2 });
    expect(withField(before, 'device', '')?.['accelerator']).toBeUndefined();
    expect(withField(null, 'packages', 'a\n\n b ')).toEqual({ packages: ['a', 'b'] });
    expect(withField({ cpu: '2' }, 'cpu', '')).toBeNull();
    expect(before.memory).toBe('4Gi');
  });

  test('what is wrong is told before it is written', () => {
    expect(['2', '0.5', '500m', ''].map(text => fieldProblem('cpu', text))).toEqual([null, null, null, null]);
    expect(['two', '0', '2 cores'].map(text => fieldProblem('cpu', text))).toEqual(['cpu', 'cpu', 'cpu']);
    expect(['4Gi', '512M', '1000'].map(text => fieldProblem('memory', text))).toEqual([null, null, null]);
    expect(fieldProblem('memory', '4 GB')).toBe('memory');
    expect(fieldProblem('device', 'gpu')).toBe('device');
    expect(fieldProblem('devices', '0')).toBe('count');
    expect(fieldProblem('retries', '-1')).toBe('retries');
  });

  test('in short, only what is set', () => {
    expect(inShort({ cpu: 2, memory: '4Gi', cache: 'volatile', retries: 0 })).toEqual(['2 cpu', '4Gi', 'cache volatile']);
    expect(inShort(null)).toEqual([]);
  });
});

test('the names in what a kernel says of a list', () => {
  expect(namesIn("['X', 'y']")).toEqual(['X', 'y']);
  expect(namesIn('[]')).toEqual([]);
});

test('the section of a code ends at the next heading', () => {
  const page = '# All\n\n### MLO001\nerror: first\n\n**Cure:** mend\n\n### MLO002\nsecond\n## Next\n';
  expect(sectionOf(page, 'MLO001')).toBe('error: first\n\n**Cure:** mend');
  expect(sectionOf(page, 'MLO002')).toBe('second');
  expect(sectionOf(page, 'MLO999')).toBeNull();
});
