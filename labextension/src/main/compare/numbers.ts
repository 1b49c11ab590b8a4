import type { Comparison, MetricHistory } from '../../api/types';
import { formatMetric, formatValue } from '../../panel/runs/format';

/** A run as charts show it. */
export interface IShownRun {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
}

/** A parameter or metric, with a value for each run. */
export interface IMeasure {
  readonly kind: 'parameter' | 'metric';
  readonly name: string;
  readonly values: readonly unknown[];
}

/** All parameters and metrics of a comparison. */
export function measuresOf(comparison: Comparison): readonly IMeasure[] {
  return [
    ...comparison.parameters.map(
      (one): IMeasure => ({ kind: 'parameter', name: one.name, values: one.cells.map(cell => cell?.value ?? null) })
    ),
    ...comparison.metrics.map((one): IMeasure => ({ kind: 'metric', name: one.name, values: one.values }))
  ];
}

/** Those whose values are numbers wherever there are any. */
export function numericOf(measures: readonly IMeasure[]): readonly IMeasure[] {
  return measures.filter(one => one.values.some(isNumber) && one.values.every(value => value === null || isNumber(value)));
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A row of parallel coordinates. */
export interface ICoordinate {
  readonly run: string;
  readonly measure: string;
  /** From 0, the least, to 1. */
  readonly place: number;
  readonly shown: string;
}

/** Where runs cross the axes: numbers by their size, other values by their order. */
export function coordinatesOf(measures: readonly IMeasure[], runs: readonly IShownRun[]): readonly ICoordinate[] {
  return measures.flatMap(measure => {
    const place = placing(measure);
    return runs.flatMap((run, at): ICoordinate[] => {
      const value = measure.values[at];
      const found = place(value);
      return found === null ? [] : [{ run: run.name, measure: measure.name, place: found, shown: shownOf(measure, value) }];
    });
  });
}

/** Those worth an axis: more than one value. */
export function varied(measures: readonly IMeasure[]): readonly IMeasure[] {
  return measures.filter(one => new Set(one.values.filter(value => value !== null).map(value => JSON.stringify(value))).size > 1);
}

/** Histories with more than a point. */
export function curvesOf(histories: readonly MetricHistory[]): readonly MetricHistory[] {
  return histories.filter(one => one.points.length > 1);
}

function placing(measure: IMeasure): (value: unknown) => number | null {
  const known = measure.values.filter(value => value !== null && value !== undefined);
  if (known.every(isNumber)) {
    const [least, most] = [Math.min(...known), Math.max(...known)];
    return value => (isNumber(value) ? (most > least ? (value - least) / (most - least) : 0.5) : null);
  }
  const texts = [...new Set(known.map(value => JSON.stringify(value)))].sort();
  return value => {
    const at = value === null || value === undefined ? -1 : texts.indexOf(JSON.stringify(value));
    return at < 0 ? null : texts.length > 1 ? at / (texts.length - 1) : 0.5;
  };
}

function shownOf(measure: IMeasure, value: unknown): string {
  return measure.kind === 'metric' ? formatMetric(value as number) : formatValue(value);
}
