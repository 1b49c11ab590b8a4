import type { TranslationBundle } from '@jupyterlab/translation';
import type { Comparison } from '../../api/types';
import { formatBytes, formatMetric, formatNumber, formatSeconds, formatTime, formatValue } from '../../panel/runs/format';

/** A row of the comparison. */
export interface ICompareRow {
  readonly kind: string;
  readonly name: string;
  readonly detail: string;
  readonly differs: boolean;
  readonly cells: readonly ICompareCell[];
}

export interface ICompareCell {
  readonly text: string;
  /** In full. */
  readonly title: string;
  /** How much more or less than the baseline. */
  readonly delta: string;
  /** From the baseline. */
  readonly differs: boolean;
}

type Bundle = Pick<TranslationBundle, '__' | '_n'>;

/** All rows, what people look for first on top. */
export function rowsOf(comparison: Comparison, trans: Bundle): readonly ICompareRow[] {
  return [
    ...parameters(comparison, trans),
    ...metrics(comparison, trans),
    ...code(comparison, trans),
    ...fields(comparison.fields, trans.__('run')),
    ...data(comparison, trans),
    ...steps(comparison, trans),
    ...fields(comparison.environment, trans.__('environment')),
    ...times(comparison, trans)
  ];
}

/** A difference with its direction. */
export function formatDelta(delta: number, percent: number | null): string {
  if (delta === 0) {
    return '';
  }
  const share = percent === null || !Number.isFinite(percent) ? '' : ` (${percent > 0 ? '+' : ''}${formatNumber(Number(percent.toPrecision(2)))} %)`;
  return `${delta > 0 ? '▲' : '▼'} ${formatNumber(Number(Math.abs(delta).toPrecision(3)))}${share}`;
}

function parameters({ parameters: all }: Comparison, trans: Bundle): ICompareRow[] {
  return all.map(one => {
    const first = JSON.stringify(one.cells[0]?.value);
    return {
      kind: trans.__('parameter'),
      name: one.name,
      detail: '',
      differs: one.differs,
      cells: one.cells.map(cell => ({
        text: cell ? formatValue(cell.value) : '',
        title: cell ? [JSON.stringify(cell.value), cell.source].filter(Boolean).join(' · ') : '',
        delta: '',
        differs: JSON.stringify(cell?.value) !== first
      }))
    };
  });
}

function metrics({ metrics: all }: Comparison, trans: Bundle): ICompareRow[] {
  return all.map(one => ({
    kind: trans.__('metric'),
    name: one.name,
    detail: '',
    differs: one.differs,
    cells: one.values.map((value, at) => {
      const [delta, percent] = [one.deltas[at], one.percents[at]];
      const shown = at > 0 && typeof delta === 'number';
      return {
        text: formatMetric(value),
        title: value === null ? '' : String(value),
        delta: shown ? formatDelta(delta, typeof percent === 'number' ? percent : null) : '',
        differs: at > 0 && value !== one.values[0]
      };
    })
  }));
}

/** A row for each step whose code is another than the baseline's. */
function code(comparison: Comparison, trans: Bundle): ICompareRow[] {
  const changed = comparison.code.map(one => one.cells.filter(cell => cell.status !== 'same'));
  const names = new Set(changed.flatMap(cells => cells.map(cell => cell.step ?? '')));
  return [...names].map(name => ({
    kind: trans.__('code'),
    name: name || trans.__('shared cells'),
    detail: '',
    differs: true,
    cells: comparison.runs.map((run, at) => {
      const of = comparison.code.findIndex(one => one.run_id === run.run_id);
      const cells = (changed[of] ?? []).filter(cell => (cell.step ?? '') === name);
      const lines = cells.reduce((sum, cell) => sum + changedLines(cell.diff), 0);
      return {
        text: at === 0 || !cells.length ? '' : trans._n('%1 line differs', '%1 lines differ', lines),
        title: '',
        delta: '',
        differs: at > 0 && cells.length > 0
      };
    })
  }));
}

/** Lines of a unified diff that were taken away or added. */
export function changedLines(diff: string): number {
  return diff.split('\n').filter(line => /^[-+]/.test(line)).length;
}

function fields(all: Comparison['fields'], kind: string): ICompareRow[] {
  return all.map(one => ({
    kind,
    name: one.name,
    detail: '',
    differs: one.differs,
    cells: one.values.map(value => ({
      text: value ?? '',
      title: value ?? '',
      delta: '',
      differs: value !== one.values[0]
    }))
  }));
}

function data({ data: all }: Comparison, trans: Bundle): ICompareRow[] {
  return all.map(one => ({
    kind: one.step ? trans.__('data') : trans.__('file'),
    name: one.name,
    detail: one.step,
    differs: one.differs,
    cells: one.cells.map((cell, at) => ({
      text: cell ? [cell.digest.slice(0, 8), formatBytes(cell.bytes), ...cell.changes].join(' · ') : '',
      title: cell ? [cell.digest, cell.type].filter(Boolean).join('\n') : '',
      delta: '',
      differs: at > 0 && (cell === null || cell.same === false)
    }))
  }));
}

function steps({ steps: all }: Comparison, trans: Bundle): ICompareRow[] {
  return all.map(one => ({
    kind: trans.__('step'),
    name: one.name,
    detail: one.slug,
    differs: one.differs,
    cells: one.cells.map(cell => ({
      text: cell ? [cell.status, formatSeconds(cell.seconds)].filter(Boolean).join(' · ') : '',
      title: cell?.computed_in ? trans.__('computed in %1', cell.computed_in) : '',
      delta: '',
      differs: cell?.status !== one.cells[0]?.status
    }))
  }));
}

function times({ runs }: Comparison, trans: Bundle): ICompareRow[] {
  const row = (name: string, texts: readonly string[]): ICompareRow => ({
    kind: trans.__('run'),
    name,
    detail: '',
    differs: false,
    cells: texts.map(text => ({ text, title: text, delta: '', differs: false }))
  });
  return [
    row(trans.__('started'), runs.map(run => formatTime(new Date(run.started).toISOString()))),
    row(trans.__('duration'), runs.map(run => formatSeconds(run.seconds)))
  ];
}
