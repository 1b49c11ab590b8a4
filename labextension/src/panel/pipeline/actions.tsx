import { useState } from 'react';
import type { Analysis, Job, Kernel } from '../../api/types';
import { tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { hasEnded } from '../../jobs';
import { Commands } from '../../tokens';
import { isUntagged } from './texts';

interface IProps {
  readonly analysis: Analysis | null;
  readonly job: Job | null;
  readonly kernel: Kernel | null;
  readonly areParametersValid: boolean;
}

/** What can be done with the current notebook, and why something can't. */
export interface IRunning {
  readonly isRunning: boolean;
  readonly isStarting: boolean;
  /** Why it can't be run now; empty where it can. */
  readonly reason: string;
  readonly start: (kind: 'run' | 'verify') => void;
  readonly resume: (job: Job) => void;
  readonly stop: (job: Job) => void;
}

/** Start and stop what the current notebook does. */
export function useRunning({ analysis, job, kernel, areParametersValid }: IProps): IRunning {
  const { session, trans } = useServices();
  const [isStarting, setStarting] = useState(false);
  const isCluster = useIsCluster();
  const isRunning = job !== null && !hasEnded(job);
  const work = (what: Promise<unknown>): void => {
    setStarting(true);
    what.catch((error: unknown) => tell(error, trans)).finally(() => setStarting(false));
  };
  const reason = (): string => {
    if (session.statusProblem) {
      return session.statusProblem.message;
    }
    if (!analysis) {
      return trans.__('The notebook has not been read yet.');
    }
    if (!analysis.valid) {
      return trans.__('The notebook is not a valid pipeline yet: see the problems.');
    }
    if (analysis.pipeline.steps.length === 0) {
      return trans.__('The notebook has no code to run.');
    }
    if (!areParametersValid) {
      return trans.__('A parameter has a value that it can’t have.');
    }
    return kernel && !kernel.ok && !isCluster ? trans.__('The kernel’s environment lacks what steps need.') : '';
  };
  return {
    isRunning,
    isStarting,
    reason: reason(),
    start: kind => work(session.start({ kind: kind === 'run' && isCluster ? 'submit' : kind })),
    resume: before => work(before.kind === 'submit' ? session.retry(before) : session.start({ kind: 'run' })),
    stop: running => work(session.stop(running))
  };
}

interface IActionsProps {
  readonly analysis: Analysis | null;
  readonly job: Job | null;
  readonly running: IRunning;
}

/** The buttons of the tab, always in sight. */
export function Actions({ analysis, job, running }: IActionsProps): JSX.Element {
  const { app, trans } = useServices();
  const isCluster = useIsCluster();
  const { isRunning, isStarting, reason } = running;
  const isMainSuggest = analysis !== null && isUntagged(analysis) && app.commands.hasCommand(Commands.suggestSteps);
  const canStart = reason === '' && !isStarting;
  const isStopping = job?.state === 'stopping';
  return (
    <div className="jp-mlops-Actions" role="toolbar" aria-label={trans.__('Run')}>
      {isRunning ? (
        <button
          type="button"
          className="jp-mlops-Button jp-mod-warn"
          disabled={isStarting}
          onClick={() => running.stop(job as Job)}
          title={isStopping ? trans.__('End its kernels at once') : trans.__('Stop after asking the cells to end')}
        >
          {isStopping ? trans.__('Stop now') : trans.__('Stop')}
        </button>
      ) : (
        <>
          {isMainSuggest ? (
            <button
              type="button"
              className="jp-mlops-Button jp-mod-accept"
              onClick={() => void app.commands.execute(Commands.suggestSteps)}
            >
              {trans.__('Suggest steps')}
            </button>
          ) : null}
          <button
            type="button"
            className={`jp-mlops-Button${isMainSuggest ? '' : ' jp-mod-accept'}`}
            disabled={!canStart}
            title={reason}
            onClick={() => running.start('run')}
          >
            {isCluster ? trans.__('Submit') : trans.__('Run')}
          </button>
          <button
            type="button"
            className="jp-mlops-Button"
            disabled={!canStart}
            title={reason || trans.__('Run the notebook whole and in steps, and compare all that comes of it')}
            onClick={() => running.start('verify')}
          >
            {trans.__('Verify')}
          </button>
        </>
      )}
      {reason && !isRunning ? <span className="jp-mlops-Dim">{reason}</span> : null}
    </div>
  );
}

/** Whether the chosen runtime is a cluster. */
export function useIsCluster(): boolean {
  const { session } = useServices();
  return session.status?.runtimes.some(one => one.name === session.runtime && one.kind !== 'local') ?? false;
}
