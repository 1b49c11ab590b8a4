import type { JSONObject } from '@lumino/coreutils';
import type { MetricHistory } from '../../api/types';
import { coordinatesOf, isNumber, type IMeasure, type IShownRun } from './numbers';

/** Colours of the page around a chart. */
export interface ITheme {
  readonly text: string;
  readonly line: string;
}

/** Charts in a row. */
const COLUMNS = 3;

/** A bar for each run, a chart for each metric. */
export function barsSpec(metrics: readonly IMeasure[], runs: readonly IShownRun[], theme: ITheme): JSONObject {
  const values = metrics.flatMap(metric =>
    runs.flatMap((run, at) => {
      const value = metric.values[at];
      return isNumber(value) ? [{ run: run.name, metric: metric.name, value }] : [];
    })
  );
  return {
    ...frame(theme),
    data: { values },
    facet: { field: 'metric', type: 'nominal', title: null, sort: metrics.map(one => one.name) },
    columns: COLUMNS,
    spec: {
      width: 220,
      height: { step: 18 },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'run', type: 'nominal', title: null, sort: runs.map(run => run.name) },
        x: { field: 'value', type: 'quantitative', title: null, axis: { tickCount: 4 } },
        color: colour(runs)
      }
    },
    resolve: { scale: { x: 'independent' } }
  };
}

/** A line for each run over the iterations, a chart for each metric. */
export function curvesSpec(histories: readonly MetricHistory[], runs: readonly IShownRun[], theme: ITheme): JSONObject {
  const names = new Map(runs.map(run => [run.id, run.name]));
  const values = histories.flatMap(history =>
    history.points.flatMap(point =>
      point.value === null
        ? []
        : [{ run: names.get(history.run_id) ?? history.run_id, metric: history.name, step: point.iteration, value: point.value }]
    )
  );
  return {
    ...frame(theme),
    data: { values },
    facet: { field: 'metric', type: 'nominal', title: null },
    columns: COLUMNS - 1,
    spec: {
      width: 340,
      height: 180,
      mark: { type: 'line', point: values.length <= 200, tooltip: true },
      encoding: {
        x: { field: 'step', type: 'quantitative', title: 'step', axis: { tickMinStep: 1 } },
        y: { field: 'value', type: 'quantitative', title: null, scale: { zero: false } },
        color: colour(runs)
      }
    },
    resolve: { scale: { x: 'independent', y: 'independent' } }
  };
}

/** A point for each run, where two measures cross. */
export function scatterSpec(x: IMeasure, y: IMeasure, runs: readonly IShownRun[], theme: ITheme): JSONObject {
  const values = runs.flatMap((run, at) => {
    const [one, other] = [x.values[at], y.values[at]];
    return isNumber(one) && isNumber(other) ? [{ run: run.name, x: one, y: other }] : [];
  });
  const axis = (measure: IMeasure, field: string): JSONObject => ({
    field,
    type: 'quantitative',
    title: measure.name,
    scale: { zero: false, padding: 16 }
  });
  return {
    ...frame(theme),
    data: { values },
    width: 340,
    height: 240,
    mark: { type: 'point', filled: true, size: 90, tooltip: true },
    encoding: { x: axis(x, 'x'), y: axis(y, 'y'), color: colour(runs) }
  };
}

/** A line for each run across an axis for each measure, with the least and the greatest value at its ends. */
export function parallelSpec(measures: readonly IMeasure[], runs: readonly IShownRun[], theme: ITheme): JSONObject {
  const values = coordinatesOf(measures, runs).map(one => ({ ...one }));
  const x = { field: 'measure', type: 'nominal', title: null, sort: measures.map(one => one.name) };
  const end = (place: number, dy: number): JSONObject => ({
    transform: [
      { filter: `datum.place === ${place}` },
      { aggregate: [{ op: 'min', field: 'shown', as: 'shown' }], groupby: ['measure', 'place'] }
    ],
    mark: { type: 'text', dy, fontSize: 10, color: theme.text },
    encoding: { x, y: { field: 'place', type: 'quantitative' }, text: { field: 'shown', type: 'nominal' } }
  });
  return {
    ...frame(theme),
    data: { values },
    width: { step: Math.max(90, Math.min(160, 720 / Math.max(1, measures.length))) },
    height: 220,
    layer: [
      {
        mark: { type: 'rule', color: theme.line },
        encoding: { x: { ...x, axis: { domain: false, ticks: false, grid: false, labelAngle: 0, labelLimit: 140 } } }
      },
      {
        mark: { type: 'line', point: true, strokeWidth: 2, tooltip: true },
        encoding: {
          x,
          y: { field: 'place', type: 'quantitative', axis: null, scale: { domain: [-0.08, 1.08], nice: false } },
          color: colour(runs),
          detail: { field: 'run', type: 'nominal' },
          tooltip: ['run', 'measure', 'shown'].map(field => ({ field, type: 'nominal' }))
        }
      },
      end(1, -10),
      end(0, 12)
    ]
  };
}

function colour(runs: readonly IShownRun[]): JSONObject {
  return {
    field: 'run',
    type: 'nominal',
    title: null,
    scale: { domain: runs.map(run => run.name), range: runs.map(run => run.colour) },
    legend: null
  };
}

function frame(theme: ITheme): JSONObject {
  const text = { labelColor: theme.text, titleColor: theme.text };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    background: 'transparent',
    config: {
      axis: { ...text, gridColor: theme.line, domainColor: theme.line, tickColor: theme.line, gridOpacity: 0.5 },
      header: { ...text, labelFontSize: 12, labelFontWeight: 'bold', labelLimit: 220 },
      view: { stroke: 'transparent' }
    }
  };
}
