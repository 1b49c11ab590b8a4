import { HTMLSelect } from '@jupyterlab/ui-components';
import { Suspense, lazy, useEffect, useState } from 'react';
import type { Analysis } from '../../api/types';
import { Empty, Problem } from '../../common/parts';
import { useServices, useSignals } from '../../common/services';
import { Commands } from '../../tokens';
import { Actions, useRunning } from './actions';
import { Banners } from './banners';
import { useKernel, usePlan } from './hooks';
import { JobView } from './job';
import { Problems } from './problems';
import { Steps } from './steps';
import { isUntagged } from './texts';

const Parameters = lazy(() =>
  import('./parameters/form').then(({ ParametersForm }) => ({ default: ParametersForm }))
);

/** The tab "Pipeline": the current notebook as a pipeline, and what it does. */
export default function PipelineTab(): JSX.Element {
  const { session, trans } = useServices();
  useSignals(
    session.notebookChanged,
    session.analysisChanged,
    session.jobChanged,
    session.choiceChanged,
    session.statusChanged,
    session.events.connection
  );
  const [areParametersValid, setParametersValid] = useState(true);
  const wasConnected = useWasConnected();
  const planned = usePlan();
  const kernel = useKernel();
  const { analysis, obstacle, job } = session;
  const running = useRunning({ analysis, job, kernel, areParametersValid });
  useEffect(() => setParametersValid(true), [session.path]);
  const banners = <Banners kernel={kernel} wasConnected={wasConnected} />;
  if (obstacle?.kind === 'no-notebook') {
    return (
      <>
        {banners}
        <Empty title={trans.__('No notebook is open')}>
          {trans.__('Open a notebook: its cells become the steps of a pipeline here.')}
        </Empty>
      </>
    );
  }
  if (obstacle?.kind === 'not-python') {
    return (
      <>
        {banners}
        <Empty title={trans.__('This notebook is not in Python')}>
          {trans.__('Pipelines are made of Python notebooks. Choose a Python kernel, or open another notebook.')}
        </Empty>
      </>
    );
  }
  return (
    <div className="jp-mlops-Pipeline">
      <div className="jp-mlops-Pipeline-scroll">
        <Header analysis={analysis} />
        {banners}
        {obstacle?.kind === 'failed' && !session.statusProblem?.isMissing && !obstacle.error.isOffline ? (
          <Problem error={obstacle.error} onRetry={() => void session.analyse()} trans={trans} />
        ) : null}
        {analysis && isUntagged(analysis) ? <Untagged analysis={analysis} /> : null}
        {!analysis && !obstacle ? <div className="jp-mlops-Loading" role="status" aria-busy="true" /> : null}
        {analysis && analysis.pipeline.parameters.length > 0 ? (
          <Suspense fallback={<div className="jp-mlops-Loading" role="status" />}>
            <Parameters
              key={session.path}
              parameters={analysis.pipeline.parameters}
              onValid={setParametersValid}
            />
          </Suspense>
        ) : null}
        {analysis && analysis.pipeline.steps.length > 0 ? (
          <Steps analysis={analysis} planned={planned} job={job} />
        ) : null}
        {job ? (
          <JobView
            key={job.id}
            job={job}
            analysis={analysis}
            canResume={running.reason === '' && !running.isStarting}
            onResume={() => running.resume(job)}
          />
        ) : null}
        {analysis ? <Problems analysis={analysis} /> : null}
      </div>
      <Actions analysis={analysis} job={job} running={running} />
    </div>
  );
}

function Header({ analysis }: { readonly analysis: Analysis | null }): JSX.Element {
  const { session, trans } = useServices();
  const { status } = session;
  const count = analysis?.pipeline.steps.length ?? 0;
  const file = session.path.split('/').pop() ?? '';
  return (
    <div className="jp-mlops-Header">
      <div className="jp-mlops-Header-text">
        <b title={session.path}>{analysis?.pipeline.name ?? file}</b>
        <span className="jp-mlops-Dim">{[trans._n('%1 step', '%1 steps', count), file].join(' · ')}</span>
      </div>
      {status ? (
        <HTMLSelect
          className="jp-mlops-Runtime"
          value={session.runtime}
          title={trans.__('Where it runs')}
          aria-label={trans.__('Where it runs')}
          onChange={event => session.setRuntime(event.target.value)}
        >
          {status.runtimes.map(({ name, label, address }) => (
            <option key={name} value={name} title={address ?? ''}>
              {label}
            </option>
          ))}
        </HTMLSelect>
      ) : null}
    </div>
  );
}

function Untagged({ analysis }: { readonly analysis: Analysis }): JSX.Element | null {
  const { app, trans } = useServices();
  if (analysis.pipeline.steps.length === 0) {
    return (
      <Empty title={trans.__('There is no code yet')}>
        {trans.__('Write cells as you always do. Each group of cells that belongs together can become a step.')}
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('This notebook has no steps yet')}>
      <p>
        {trans.__(
          'As it is, it runs as one step. With tags its cells become steps that run side by side, and again only when something changed.'
        )}
      </p>
      {app.commands.hasCommand(Commands.suggestSteps) ? (
        <p className="jp-mlops-Dim">{trans.__('“Suggest steps” shows a proposal; nothing changes before you say so.')}</p>
      ) : null}
    </Empty>
  );
}

function useWasConnected(): boolean {
  const { session } = useServices();
  const [was, setWas] = useState(session.events.isConnected);
  useEffect(() => {
    const slot = (_: unknown, connected: boolean): void => {
      if (connected) {
        setWas(true);
      }
    };
    session.events.connection.connect(slot);
    return () => void session.events.connection.disconnect(slot);
  }, []);
  return was;
}
