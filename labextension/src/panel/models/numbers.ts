import type { JSONObject } from '@lumino/coreutils';
import type { LiveNumbers, LiveVersion } from '../../api/types';

/** The live numbers at one time. */
export interface ISample {
  readonly time: number;
  /** Requests a second, of all versions together. */
  readonly rate: number;
}

/** How many samples a line shows. */
export const KEPT = 60;

/** The samples with a newer one; the oldest go. */
export function sampled(samples: readonly ISample[], numbers: LiveNumbers, time: number): readonly ISample[] {
  const sample = { time, rate: numbers.versions.reduce((sum, one) => sum + one.rate, 0) };
  return [...samples.filter(one => one.time < time), sample].slice(-KEPT);
}

/** A small line of the requests over time, in Vega-Lite. */
export function sparkline(samples: readonly ISample[], unit: string): JSONObject {
  const values = samples.map(one => ({ time: one.time, value: one.rate }));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 'container',
    height: 36,
    background: 'transparent',
    autosize: { type: 'fit', contains: 'padding' },
    padding: 2,
    config: { view: { stroke: null } },
    data: { values },
    mark: { type: 'line', interpolate: 'monotone', strokeWidth: 1.5, tooltip: true },
    encoding: {
      x: { field: 'time', type: 'temporal', axis: null },
      y: { field: 'value', type: 'quantitative', axis: null, scale: { zero: true }, title: unit }
    }
  };
}

/** How far the inputs are from those of the training, the farthest first, in Vega-Lite. */
export function driftBars(features: LiveVersion['drift']['features'], most: number): JSONObject {
  const values = [...features]
    .sort((one, other) => other.score - one.score)
    .slice(0, most)
    .map(({ name, score, level }) => ({ feature: name, score, level }));
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 'container',
    height: { step: 14 },
    background: 'transparent',
    autosize: { type: 'fit', contains: 'padding' },
    config: { view: { stroke: null } },
    data: { values },
    mark: { type: 'bar', tooltip: true, height: 8 },
    encoding: {
      y: { field: 'feature', type: 'nominal', sort: null, title: null, axis: { labelLimit: 90, ticks: false, domain: false } },
      x: { field: 'score', type: 'quantitative', axis: null, scale: { zero: true } },
      color: {
        field: 'level',
        type: 'nominal',
        scale: { domain: ['ok', 'notice', 'alert'], range: ['#5c6bc0', '#fb8c00', '#f4511e'] },
        legend: null
      }
    }
  };
}

/** A latency as people write it; it is given in milliseconds. */
export function latencyText(milliseconds: number | null): string {
  if (milliseconds === null) {
    return '–';
  }
  return milliseconds < 1000 ? `${Number(milliseconds.toPrecision(2))} ms` : `${Number((milliseconds / 1000).toPrecision(2))} s`;
}
