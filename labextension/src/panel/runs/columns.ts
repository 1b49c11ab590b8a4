import type { TranslationBundle } from '@jupyterlab/translation';
import type { Run, RunMarks, RunPage } from '../../api/types';
import { formatMetric, formatSeconds, formatTime, formatValue } from './format';
import { nameOf } from './query';

export type ColumnKind = 'attribute' | 'metric' | 'param' | 'tag';

/** A column of the table; its id is a name of the filter language. */
export interface IColumn {
  readonly id: string;
  readonly kind: ColumnKind;
  readonly name: string;
  readonly label: string;
  readonly width: number;
  readonly isNumber: boolean;
  readonly canSort: boolean;
}

/** What a cell shows, and what it says when asked. */
export interface ICell {
  readonly text: string;
  readonly title?: string;
}

/** Metrics and parameters that are shown unless columns were chosen. */
const FIRST = 3;
const WIDTHS: Readonly<Record<string, number>> = {
  started: 92,
  finished: 92,
  seconds: 76,
  status: 84,
  backend: 76,
  trigger: 76,
  user: 76,
  commit: 92,
  note: 140,
  run_id: 200,
  notebook: 140,
  models: 110
};
const NUMBERS = new Set(['seconds']);
const TIMES = new Set(['started', 'finished']);
const USUAL = ['seconds', 'started', 'backend', 'trigger', 'user', 'commit', 'models', 'note'];
/** Not of the store's list of attributes, and not to sort by. */
const EXTRA = ['models'];
const HIDDEN = new Set(['run_id', 'experiment']);

/** All columns that the runs have. */
export function allColumns(known: RunPage['columns'], trans: TranslationBundle): readonly IColumn[] {
  const labels = labelsOf(trans);
  const attribute = (name: string): IColumn => ({
    id: name,
    kind: 'attribute',
    name,
    label: labels[name] ?? name,
    width: WIDTHS[name] ?? 96,
    isNumber: NUMBERS.has(name),
    canSort: !EXTRA.includes(name)
  });
  const attributes = [...known.attributes.filter(name => !HIDDEN.has(name)), ...EXTRA];
  return [
    ...[...new Set(attributes)].map(attribute),
    ...known.metrics.map(name => valueColumn('metrics', 'metric', name)),
    ...known.params.map(name => valueColumn('params', 'param', name)),
    ...known.tags.map(name => valueColumn('tags', 'tag', name))
  ];
}

/** The columns of a choice, or those that most people want. */
export function chosenColumns(all: readonly IColumn[], chosen: readonly string[] | null): readonly IColumn[] {
  const byId = new Map(all.map(column => [column.id, column]));
  const ids = chosen ?? [
    ...all.filter(column => column.kind === 'metric').slice(0, FIRST).map(column => column.id),
    ...all.filter(column => column.kind === 'param').slice(0, FIRST).map(column => column.id),
    ...USUAL
  ];
  return ids.flatMap(id => byId.get(id) ?? []);
}

/** Add or take away a column; new ones come last of their kind. */
export function toggled(columns: readonly IColumn[], column: IColumn): readonly string[] {
  const ids = columns.map(one => one.id);
  if (ids.includes(column.id)) {
    return ids.filter(id => id !== column.id);
  }
  let at = -1;
  columns.forEach((one, index) => {
    at = one.kind === column.kind ? index : at;
  });
  return at < 0 ? [...ids, column.id] : [...ids.slice(0, at + 1), column.id, ...ids.slice(at + 1)];
}

/** Whether the first click on the column's head puts great values first. */
export function isDownFirst(column: IColumn): boolean {
  return column.kind === 'metric' || column.isNumber || TIMES.has(column.name);
}

/** What a cell shows of a run. */
export function cellOf(column: IColumn, run: Run, marks: RunMarks | undefined, now: number): ICell {
  switch (column.kind) {
    case 'metric':
      return exact(formatMetric(run.metrics[column.name]), run.metrics[column.name]);
    case 'param':
      return exact(formatValue(run.params[column.name]), run.params[column.name]);
    case 'tag':
      return { text: run.tags[column.name] ?? '' };
    default:
      return attributeOf(column.name, run, marks, now);
  }
}

/** How long a run took, or has taken until now. */
export function secondsOf(run: Run, now: number): number | null {
  if (run.seconds !== null) {
    return run.seconds;
  }
  return run.status === 'running' && run.started ? Math.max(0, (now - Date.parse(run.started)) / 1000) : null;
}

function attributeOf(name: string, run: Run, marks: RunMarks | undefined, now: number): ICell {
  if (TIMES.has(name)) {
    const time = run[name as 'started' | 'finished'];
    return { text: formatTime(time, new Date(now)), title: time ? new Date(time).toLocaleString() : '' };
  }
  if (name === 'seconds') {
    return { text: formatSeconds(secondsOf(run, now)) };
  }
  if (name === 'commit') {
    return { text: run.commit ? run.commit.slice(0, 7) : '', title: run.commit ?? '' };
  }
  if (name === 'models') {
    const models = marks?.models ?? [];
    return { text: models.map(one => [`${one.name} v${one.version}`, ...one.aliases].join(' @')).join(', ') };
  }
  const value = (run as unknown as Record<string, unknown>)[name];
  return { text: value === null || value === undefined ? '' : formatValue(value) };
}

function exact(text: string, value: unknown): ICell {
  const full = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  return full === text ? { text } : { text, title: full };
}

function valueColumn(group: 'metrics' | 'params' | 'tags', kind: ColumnKind, name: string): IColumn {
  const width = Math.max(kind === 'tag' ? 64 : 82, Math.min(150, 30 + 7 * name.length));
  return { id: nameOf(group, name), kind, name, label: name, width, isNumber: kind === 'metric', canSort: true };
}

function labelsOf(trans: TranslationBundle): Readonly<Record<string, string>> {
  return {
    pipeline: trans.__('Pipeline'),
    status: trans.__('Status'),
    started: trans.__('Started'),
    finished: trans.__('Finished'),
    seconds: trans.__('Duration'),
    notebook: trans.__('Notebook'),
    kernel: trans.__('Kernel'),
    backend: trans.__('Where'),
    trigger: trans.__('Trigger'),
    user: trans.__('Owner'),
    host: trans.__('Machine'),
    commit: trans.__('Commit'),
    configuration: trans.__('Configuration'),
    parent: trans.__('Resumes'),
    note: trans.__('Note'),
    models: trans.__('Models')
  };
}
