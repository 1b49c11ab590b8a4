import type { ComparisonAnswer } from '../../api/types';
import { Section } from '../../common/parts';
import { useServices } from '../../common/services';
import { pairsOf } from './pairs';
import type { IShownRun } from './numbers';

interface IProps {
  readonly answer: ComparisonAnswer;
  readonly runs: readonly IShownRun[];
  readonly path: string;
  readonly all: boolean;
}

/** The figures of the runs, those of the same cell side by side. */
export function Figures({ answer, runs, path, all }: IProps): JSX.Element | null {
  const { session, trans } = useServices();
  const pairs = pairsOf(answer.figures, runs.map(run => run.id));
  const shown = pairs.filter(pair => all || pair.differs);
  if (!pairs.length) {
    return null;
  }
  return (
    <Section title={trans.__('Figures')}>
      {shown.length === 0 ? <p className="jp-mlops-Muted">{trans.__('All figures are the same.')}</p> : null}
      {shown.map(pair => (
        <div key={pair.key} className="jp-mlops-Figures">
          <h3>{[pair.name, pair.step].filter(Boolean).join(' · ')}</h3>
          <div className="jp-mlops-Figures-row">
            {runs.map((run, at) => {
              const figure = pair.figures[at];
              return (
                <figure key={run.id}>
                  <figcaption>
                    <span className="jp-mlops-Dot" style={{ background: run.colour }} aria-hidden="true" />
                    {run.name}
                  </figcaption>
                  {figure ? (
                    <img
                      loading="lazy"
                      src={session.client.url(`runs/${encodeURIComponent(run.id)}/figures/${figure.digest}`, {
                        path: path || null
                      })}
                      alt={trans.__('%1 of %2', pair.name, run.name)}
                    />
                  ) : (
                    <div className="jp-mlops-Muted">{trans.__('no such figure')}</div>
                  )}
                </figure>
              );
            })}
          </div>
        </div>
      ))}
    </Section>
  );
}
