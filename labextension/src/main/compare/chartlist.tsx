import { useMemo, useState } from 'react';
import type { ComparisonAnswer } from '../../api/types';
import { Section } from '../../common/parts';
import { useServices } from '../../common/services';
import { Chart, useTheme } from './chart';
import { barsSpec, curvesSpec, parallelSpec, scatterSpec } from './charts';
import { curvesOf, measuresOf, numericOf, varied, type IMeasure, type IShownRun } from './numbers';

/** Metrics and axes that are drawn at once. */
const MOST_BARS = 12;
const MOST_AXES = 12;

interface IProps {
  readonly answer: ComparisonAnswer;
  readonly runs: readonly IShownRun[];
}

/** The charts that the runs have numbers for. */
export function Charts({ answer, runs }: IProps): JSX.Element {
  const { trans } = useServices();
  const theme = useTheme();
  const measures = useMemo(() => measuresOf(answer.comparison), [answer]);
  const curves = useMemo(() => curvesOf(answer.histories), [answer]);
  const numeric = numericOf(measures);
  const metrics = numeric.filter(one => one.kind === 'metric');
  const axes = varied(measures).slice(0, MOST_AXES);
  const names = runs.map(run => run.name).join(', ');
  return (
    <>
      <Legend runs={runs} />
      {metrics.length ? (
        <Section title={trans.__('Metrics')}>
          <Chart
            spec={barsSpec(metrics.slice(0, MOST_BARS), runs, theme)}
            label={trans.__('Bars of the metrics of %1', names)}
          />
          {metrics.length > MOST_BARS ? (
            <p className="jp-mlops-Muted">{trans.__('%1 more metrics are in the table.', metrics.length - MOST_BARS)}</p>
          ) : null}
        </Section>
      ) : null}
      {curves.length ? (
        <Section title={trans.__('Curves over steps')}>
          <Chart spec={curvesSpec(curves, runs, theme)} label={trans.__('Curves of the metrics of %1', names)} />
        </Section>
      ) : null}
      {axes.length > 1 ? (
        <Section title={trans.__('Parallel coordinates')}>
          <Chart spec={parallelSpec(axes, runs, theme)} label={trans.__('Parallel coordinates of %1', names)} />
        </Section>
      ) : null}
      {numeric.length > 1 ? <Scatter measures={numeric} runs={runs} /> : null}
    </>
  );
}

function Legend({ runs }: Pick<IProps, 'runs'>): JSX.Element {
  return (
    <div className="jp-mlops-Legend">
      {runs.map(run => (
        <span key={run.id}>
          <span className="jp-mlops-Dot" style={{ background: run.colour }} aria-hidden="true" />
          {run.name}
        </span>
      ))}
    </div>
  );
}

interface IScatter {
  readonly measures: readonly IMeasure[];
  readonly runs: readonly IShownRun[];
}

function Scatter({ measures, runs }: IScatter): JSX.Element {
  const { trans } = useServices();
  const theme = useTheme();
  const spread = varied(measures);
  const keys = measures.map(keyOf);
  const ofKind = (kind: IMeasure['kind']): IMeasure | undefined =>
    spread.find(one => one.kind === kind) ?? measures.find(one => one.kind === kind);
  const [x, setX] = useState(() => keyOf(ofKind('parameter') ?? measures[0]));
  const [y, setY] = useState(() => keyOf(ofKind('metric') ?? measures[1]));
  const [across, up] = [measures[keys.indexOf(x)] ?? measures[0], measures[keys.indexOf(y)] ?? measures[1]];
  const choose = (label: string, value: string, set: (key: string) => void): JSX.Element => (
    <label>
      <span>{label}</span>
      <select value={value} onChange={event => set(event.target.value)}>
        {measures.map(one => (
          <option key={keyOf(one)} value={keyOf(one)}>
            {one.name}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Section title={trans.__('Scatter')}>
      <div className="jp-mlops-Compare-bar">
        {choose(trans.__('Across'), x, setX)}
        {choose(trans.__('Up'), y, setY)}
      </div>
      {across && up ? (
        <Chart
          spec={scatterSpec(across, up, runs, theme)}
          label={trans.__('%1 against %2', up.name, across.name)}
        />
      ) : null}
    </Section>
  );
}

function keyOf(measure: IMeasure | undefined): string {
  return measure ? `${measure.kind} ${measure.name}` : '';
}
