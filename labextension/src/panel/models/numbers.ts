import type { JSONObject } from '@lumino/coreutils';
import type { LiveNumbers } from '../../api/types';

/** The live numbers at one time. */
export interface ISample {
  readonly time: number;
  readonly rate: number | null;
  readonly p99: number | null;
}

/** How many samples a line shows. */
export const KEPT = 60;

/** The samples with a newer one; the oldest go. */
export function sampled(samples: readonly ISample[], numbers: LiveNumbers, time: number): readonly ISample[] {
  const sample = { time, rate: numbers.rate, p99: numbers.latency.p99 };
  return [...samples.filter(one => one.time < time), sample].slice(-KEPT);
}

/** A small line of one number over time, in Vega-Lite. */
export function sparkline(samples: readonly ISample[], what: 'rate' | 'p99', unit: string): JSONObject {
  const values = samples
    .filter(one => one[what] !== null)
    .map(one => ({ time: one.time, value: one[what] as number }));
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
export function driftBars(drift: LiveNumbers['drift'], most: number): JSONObject {
  const values = [...drift]
    .sort((one, other) => other.score - one.score)
    .slice(0, most)
    .map(({ feature, score, drifted }) => ({ feature, score, drifted }));
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
        field: 'drifted',
        type: 'nominal',
        scale: { domain: [false, true], range: ['#5c6bc0', '#f4511e'] },
        legend: null
      }
    }
  };
}

/** A latency as people write it. */
export function latencyText(seconds: number | null): string {
  if (seconds === null) {
    return '–';
  }
  return seconds < 1 ? `${Number((seconds * 1000).toPrecision(2))} ms` : `${Number(seconds.toPrecision(2))} s`;
}
