import { useEffect, useState } from 'react';
import type { Run, RunMarks } from '../../api/types';
import { useServices } from '../../common/services';
import type { RunActions } from './actions';
import { secondsOf } from './columns';
import { formatMetric, formatSeconds, formatValue, isGoing, wordsOf } from './format';
import { NoteEditor } from './noteeditor';
import { RegisterForm } from './register';
import { TagEditor } from './tageditor';

interface IProps {
  readonly run: Run;
  readonly marks: RunMarks | undefined;
  readonly actions: RunActions;
  readonly path: string;
  readonly colour: string;
  readonly now: number;
  readonly onClose: () => void;
  readonly onRemoved: (id: string) => void;
}

/** All of the current run that the table has no room for, and what can be done with it. */
export function RunDetails({ run, marks, actions, path, colour, now, onClose, onRemoved }: IProps): JSX.Element {
  const { trans } = useServices();
  const [isRegistering, setRegistering] = useState(false);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => setRegistering(false), [run.run_id]);
  const name = wordsOf(run.run_id);
  const busily = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    await work().finally(() => setBusy(false));
  };
  const remove = async (): Promise<void> => {
    if (await actions.remove([run.run_id])) {
      onRemoved(run.run_id);
    }
  };
  const canRetry = run.status === 'failed' || run.status === 'cancelled';
  return (
    <section className="jp-mlops-RunDetails" aria-label={trans.__('Run %1', name)}>
      <header>
        <span className="jp-mlops-Dot" style={{ background: colour }} aria-hidden="true" />
        <h3 title={run.run_id}>{name}</h3>
        <span className="jp-mlops-Muted">{run.pipeline}</span>
        <button className="jp-mlops-Link" aria-label={trans.__('Close')} onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="jp-mlops-Actions">
        <button className="jp-mlops-Button" onClick={() => actions.report(run.run_id)}>
          {trans.__('Report')}
        </button>
        <button
          className="jp-mlops-Button"
          disabled={isBusy}
          title={trans.__('Open the notebook as this run ran it, as a new file beside yours')}
          onClick={() => void busily(() => actions.restore(run))}
        >
          {trans.__('Restore this version')}
        </button>
        <button
          className="jp-mlops-Button"
          aria-expanded={isRegistering}
          disabled={isGoing(run.status)}
          title={isGoing(run.status) ? trans.__('The run is not done') : trans.__('Give something this run made a name')}
          onClick={() => setRegistering(!isRegistering)}
        >
          {trans.__('Register…')}
        </button>
        <button className="jp-mlops-Button" onClick={() => actions.lineage(run.run_id)}>
          {trans.__('Lineage')}
        </button>
        {isGoing(run.status) ? (
          <button className="jp-mlops-Button" disabled={isBusy} onClick={() => void busily(() => actions.stop(run))}>
            {trans.__('Stop')}
          </button>
        ) : null}
        {canRetry ? (
          <button className="jp-mlops-Button" disabled={isBusy} onClick={() => void busily(() => actions.retry(run))}>
            {trans.__('Retry')}
          </button>
        ) : null}
        <button className="jp-mlops-Button jp-mod-warn" disabled={isBusy} onClick={() => void busily(remove)}>
          {trans.__('Delete')}
        </button>
      </div>
      {isRegistering ? <RegisterForm run={run} path={path} onDone={() => setRegistering(false)} /> : null}
      <TagEditor key={`tags-${run.run_id}`} run={run} onChange={tags => actions.change(run, { tags })} />
      <NoteEditor key={`note-${run.run_id}`} run={run} onChange={note => actions.change(run, { note })} />
      <Facts run={run} marks={marks} now={now} />
    </section>
  );
}

function Facts({ run, marks, now }: Pick<IProps, 'run' | 'marks' | 'now'>): JSX.Element {
  const { trans } = useServices();
  const commit = run.commit ? `${run.commit.slice(0, 10)}${marks?.dirty ? ` (${trans.__('dirty')})` : ''}` : '';
  const models = (marks?.models ?? []).map(one => [`${one.name} v${one.version}`, ...one.aliases].join(' @'));
  const facts: readonly (readonly [string, string])[] = [
    [trans.__('Status'), run.status],
    [trans.__('Started'), run.started ? new Date(run.started).toLocaleString() : ''],
    [trans.__('Duration'), formatSeconds(secondsOf(run, now))],
    [trans.__('Trigger'), run.trigger],
    [trans.__('Owner'), [run.user, run.host].filter(Boolean).join(' @ ')],
    [trans.__('Where'), run.backend],
    [trans.__('Commit'), commit],
    [trans.__('Models'), models.join(', ')],
    [trans.__('Resumes'), run.parent ? wordsOf(run.parent) : ''],
    [trans.__('Experiments'), run.experiments.join(', ')],
    [trans.__('Notebook'), run.notebook ?? '']
  ];
  return (
    <>
      <Values title={trans.__('Metrics')} rows={Object.entries(run.metrics).map(([k, v]) => [k, formatMetric(v)])} />
      <Values title={trans.__('Parameters')} rows={Object.entries(run.params).map(([k, v]) => [k, formatValue(v)])} />
      <Values title={trans.__('Of the run')} rows={facts.filter(([, value]) => value)} />
    </>
  );
}

interface IValues {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

function Values({ title, rows }: IValues): JSX.Element | null {
  return rows.length === 0 ? null : (
    <>
      <h4>{title}</h4>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt title={name}>{name}</dt>
            <dd title={value}>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
