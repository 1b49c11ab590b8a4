import { Suspense, lazy, useCallback, useMemo } from 'react';
import type { Analysis, Job } from '../../api/types';
import { Section } from '../../common/parts';
import { useServices } from '../../common/services';
import { hasEnded } from '../../jobs';
import { Commands } from '../../tokens';
import { useNow, type IPlanned } from './hooks';
import { actionText, statesOf, summaryOf } from './states';

const Graph = lazy(() => import('./graph/graph'));

interface IProps {
  readonly analysis: Analysis;
  readonly planned: IPlanned;
  readonly job: Job | null;
}

/** The graph of steps, and what the next run will do. */
export function Steps({ analysis, planned, job }: IProps): JSX.Element {
  const { app, trans } = useServices();
  const { pipeline } = analysis;
  const isRunning = job !== null && !hasEnded(job);
  const now = useNow(isRunning);
  const plan = planned.answer?.plan ?? null;
  const states = useMemo(
    () => statesOf({ pipeline, plan, job, now, trans }),
    [pipeline, plan, job, isRunning ? now : 0]
  );
  const failed = job?.failure ?? null;
  const onOpen = useCallback(
    (slug: string) => {
      const step = pipeline.steps.find(one => one.slug === slug);
      const cell = failed?.step === slug && failed.cell !== null ? failed.cell : step?.cells[0];
      if (cell !== undefined) {
        void app.commands.execute(Commands.goToCell, { cell });
      }
    },
    [pipeline, failed]
  );
  return (
    <Section title={trans.__('Steps')}>
      <Suspense fallback={<div className="jp-mlops-Loading" role="status" />}>
        <Graph
          pipeline={pipeline}
          states={states}
          current={isRunning ? (job.current?.step ?? null) : null}
          onOpen={onOpen}
          trans={trans}
        />
      </Suspense>
      {isRunning ? null : <PlanView planned={planned} />}
    </Section>
  );
}

function PlanView({ planned }: { readonly planned: IPlanned }): JSX.Element | null {
  const { trans } = useServices();
  const { answer, error, pending } = planned;
  if (error) {
    return (
      <div className="jp-mlops-Plan" role="status">
        {[error.message, error.problem.hint].filter(Boolean).join(' ')}
      </div>
    );
  }
  if (!answer) {
    return pending ? <div className="jp-mlops-Plan jp-mlops-Dim">{trans.__('Looking what would run…')}</div> : null;
  }
  return (
    <details className={`jp-mlops-Plan${pending ? ' jp-mod-pending' : ''}`}>
      <summary>{trans.__('Before this run: %1', summaryOf(answer.counts, trans))}</summary>
      <ul>
        {answer.plan.steps.map(step => (
          <li key={step.slug}>
            <b>{step.name}</b> {actionText(step.action, trans)}
            {step.reason ? <span className="jp-mlops-Dim"> · {step.reason}</span> : null}
          </li>
        ))}
      </ul>
    </details>
  );
}
