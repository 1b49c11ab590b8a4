import { useEffect, useMemo, useState } from 'react';
import type { ComparisonAnswer } from '../../api/types';
import { runColours } from '../../colours';
import { Problem, Section } from '../../common/parts';
import { useServices } from '../../common/services';
import { shortNames } from '../../panel/runs/format';
import type { IViewProps } from '../view';
import { Charts } from './chartlist';
import { CodeDiffs } from './code';
import type { CompareArgs } from './command';
import { Figures } from './figures';
import type { IShownRun } from './numbers';
import { Differences } from './table';

/** Several runs, and how they differ from one of them. */
export default function CompareView({ args, onArgs }: IViewProps<CompareArgs>): JSX.Element {
  const { session, trans } = useServices();
  const [answer, setAnswer] = useState<ComparisonAnswer | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [turn, setTurn] = useState(0);
  const { baseline, path, all } = args;
  const ids = args.runs.join(' ');
  useEffect(() => {
    const asked = new AbortController();
    setError(null);
    session.client
      .get<ComparisonAnswer>('compare', { run: ids.split(' '), baseline, all: true, path: path || null }, asked.signal)
      .then(setAnswer)
      .catch(problem => (asked.signal.aborted ? undefined : setError(problem as Error)));
    return () => asked.abort();
  }, [session, ids, baseline, path, turn]);
  const runs = useMemo(() => (answer ? shownRuns(answer) : []), [answer]);
  if (error && !answer) {
    return <Problem error={error} onRetry={() => setTurn(turn + 1)} trans={trans} />;
  }
  if (!answer) {
    return (
      <div className="jp-mlops-Loading jp-mod-text" role="status">
        {trans.__('Comparing …')}
      </div>
    );
  }
  const { comparison } = answer;
  return (
    <div className="jp-mlops-Compare">
      <div className="jp-mlops-Compare-bar">
        <h1>{trans.__('Compare')}</h1>
        <label>
          <span>{trans.__('Baseline')}</span>
          <select value={comparison.baseline} onChange={event => onArgs({ ...args, baseline: event.target.value })}>
            {runs.map(run => (
              <option key={run.id} value={run.id}>
                {run.name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={!all} onChange={event => onArgs({ ...args, all: !event.target.checked })} />
          <span>{trans.__('Only what differs')}</span>
        </label>
        <button className="jp-mlops-Button" onClick={() => setTurn(turn + 1)}>
          {trans.__('Refresh')}
        </button>
      </div>
      {error ? <Problem error={error} onRetry={() => setTurn(turn + 1)} trans={trans} /> : null}
      {comparison.notes.map(note => (
        <div key={note} className="jp-mlops-Runs-note" role="status">
          {note}
        </div>
      ))}
      <Differences
        comparison={comparison}
        runs={runs}
        all={all}
        onBaseline={id => onArgs({ ...args, baseline: id })}
        path={path}
      />
      <Charts answer={answer} runs={runs} />
      <Section title={trans.__('Code')}>
        <CodeDiffs comparison={comparison} runs={runs} all={all} />
      </Section>
      <Figures answer={answer} runs={runs} path={path} all={all} />
    </div>
  );
}

/** The runs in the comparison's order, each with its name and colour. */
function shownRuns(answer: ComparisonAnswer): readonly IShownRun[] {
  const ids = answer.comparison.runs.map(run => run.run_id);
  const [names, colours] = [shortNames(ids), runColours(ids)];
  return ids.map(id => ({ id, name: names.get(id) ?? id, colour: colours.get(id) ?? '' }));
}
