import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Analysis, Job, JobFailure } from '../../api/types';
import { Section, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { stepColour } from '../../colours';
import { hasEnded } from '../../jobs';
import { Commands } from '../../tokens';
import { useNow } from './hooks';
import { CellLink } from './links';
import { duration, since } from './states';
import { jobText, logLines, plain } from './texts';
import { Answer } from './verification';

/** Lines of the log that are shown here; the whole is in the run's report. */
const LINES = 400;

interface IProps {
  readonly job: Job;
  readonly analysis: Analysis | null;
  readonly onResume: () => void;
  readonly canResume: boolean;
}

/** The newest run, verification or submission: how it goes, what it prints, how it ended. */
export function JobView({ job, analysis, onResume, canResume }: IProps): JSX.Element {
  const { app, session, trans } = useServices();
  const titles = { run: trans.__('Run'), verify: trans.__('Verification'), submit: trans.__('Submission'), cure: '' };
  const ended = hasEnded(job);
  const { run_id: run } = job;
  const onReport = (): void => void app.commands.execute(Commands.openReport, { run, path: job.path });
  const onDismiss = (): void => void session.dismiss(job).catch((error: unknown) => tell(error, trans));
  return (
    <Section
      title={titles[job.kind]}
      actions={
        <span className="jp-mlops-Links">
          {ended && run && app.commands.hasCommand(Commands.openReport) ? (
            <button type="button" className="jp-mlops-Link" onClick={onReport}>
              {trans.__('Report')}
            </button>
          ) : null}
          {ended ? (
            <button type="button" className="jp-mlops-Link" onClick={onDismiss}>
              {trans.__('Dismiss')}
            </button>
          ) : null}
        </span>
      }
    >
      <Standing job={job} analysis={analysis} />
      {job.failure ? (
        <Failure failure={job.failure} job={job} analysis={analysis} onResume={onResume} canResume={canResume} />
      ) : null}
      {job.problem ? (
        <div className="jp-mlops-Banner jp-mod-error" role="alert">
          <div className="jp-mlops-Banner-title">{job.problem.message}</div>
          {job.problem.hint}
          {job.problem.details ? (
            <details>
              <summary>{trans.__('Show details')}</summary>
              <pre className="jp-mlops-Traceback">{plain(job.problem.details)}</pre>
            </details>
          ) : null}
        </div>
      ) : null}
      {!job.failure && ended && canResume && job.state !== 'succeeded' && job.kind !== 'verify' ? (
        <button type="button" className="jp-mlops-Button" onClick={onResume}>
          {trans.__('Resume')}
        </button>
      ) : null}
      {job.verification && analysis ? <Answer verification={job.verification} analysis={analysis} /> : null}
      <Metrics job={job} />
      {job.notes.map((note, at) => (
        <div key={at} className="jp-mlops-Dim">
          {note}
        </div>
      ))}
      <LogView job={job} analysis={analysis} />
    </Section>
  );
}

function Standing({ job, analysis }: { readonly job: Job; readonly analysis: Analysis | null }): JSX.Element {
  const { trans } = useServices();
  const ended = hasEnded(job);
  const now = useNow(!ended);
  const seconds = ended ? job.seconds : job.started ? since(job.started, now) : null;
  const step = job.steps.find(one => one.slug === job.current?.step);
  const word = jobText(job, trans);
  return (
    <>
      <div className={`jp-mlops-Standing jp-mod-${job.state}`} role="status">
        <b>{word}</b>
        {seconds === null ? null : <span> · {duration(seconds)}</span>}
        {job.runtime !== 'local' ? <span> · {job.runtime}</span> : null}
        {job.run_id ? <span className="jp-mlops-Dim"> · {job.run_id}</span> : null}
        {job.page && /^https?:/.test(job.page) ? (
          <>
            {' · '}
            <a className="jp-mlops-Link" href={job.page} target="_blank" rel="noopener noreferrer">
              {trans.__('On the cluster')}
            </a>
          </>
        ) : null}
      </div>
      {job.warming && !ended ? (
        <div className="jp-mlops-Dim" role="status">
          {trans.__('Kernels are warming up: the first cell begins when they are ready.')}
        </div>
      ) : null}
      {step && !ended ? (
        <div>
          {step.name}
          {job.current?.cell ? ' · ' : ''}
          <CellLink cell={job.current?.cell ?? null} line={null} analysis={analysis} />
        </div>
      ) : null}
    </>
  );
}

interface IFailureProps extends IProps {
  readonly failure: JobFailure;
}

function Failure({ failure, job, analysis, onResume, canResume }: IFailureProps): JSX.Element {
  const { app, trans } = useServices();
  const [open, setOpen] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void box.current?.scrollIntoView?.({ block: 'nearest' });
  }, [job.id]);
  const canLoad = job.run_id !== null && app.commands.hasCommand(Commands.loadIntoKernel);
  const onLoad = (): void =>
    void app.commands
      .execute(Commands.loadIntoKernel, { run: job.run_id, step: failure.step, path: job.path })
      .catch((error: unknown) => tell(error, trans));
  return (
    <div className="jp-mlops-Banner jp-mod-error" role="alert" ref={box}>
      <div className="jp-mlops-Banner-title">
        {trans.__('%1 failed', failure.name)}{' '}
        <CellLink cell={failure.cell} line={failure.line} analysis={analysis} number={failure.number} />
      </div>
      <div className="jp-mlops-Failure-message">
        {failure.message.startsWith(failure.type) ? failure.message : `${failure.type}: ${failure.message}`}
      </div>
      {failure.hint ? <div>{failure.hint}</div> : null}
      <div className="jp-mlops-Buttons">
        <button type="button" className="jp-mlops-Button jp-mod-accept" onClick={onResume} disabled={!canResume}>
          {trans.__('Resume')}
        </button>
        <button
          type="button"
          className="jp-mlops-Button"
          onClick={onLoad}
          disabled={!canLoad}
          title={trans.__('What the step got, as variables in this notebook’s kernel')}
        >
          {trans.__('Load inputs into kernel')}
        </button>
      </div>
      {failure.traceback ? (
        <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
          <summary>{trans.__('Traceback')}</summary>
          <pre className="jp-mlops-Traceback" tabIndex={0}>
            {plain(failure.traceback)}
          </pre>
        </details>
      ) : null}
    </div>
  );
}

function Metrics({ job }: { readonly job: Job }): JSX.Element | null {
  const { trans } = useServices();
  const found = Object.entries(job.result?.metrics ?? {});
  if (found.length === 0) {
    return null;
  }
  return (
    <dl className="jp-mlops-Pairs" aria-label={trans.__('Metrics')}>
      {found.map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{name}</dt>
          <dd>{typeof value === 'number' ? Number(value.toPrecision(5)) : value}</dd>
        </div>
      ))}
    </dl>
  );
}

function LogView({ job, analysis }: { readonly job: Job; readonly analysis: Analysis | null }): JSX.Element | null {
  const { session, trans } = useServices();
  const [, again] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    // what is printed comes in many pieces: they are drawn once in a frame
    let frame = 0;
    const slot = (_: unknown, id: string): void => {
      if (id === job.id && frame === 0) {
        frame = window.requestAnimationFrame(() => {
          frame = 0;
          again(count => count + 1);
        });
      }
    };
    session.logChanged.connect(slot);
    return () => {
      window.cancelAnimationFrame(frame);
      void session.logChanged.disconnect(slot);
    };
  }, [job.id]);
  const parts = session.log(job);
  const lines = logLines(parts.length > 0 ? parts : [{ step: null, text: job.log }], LINES);
  useLayoutEffect(() => {
    if (box.current && isAtEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  if (lines.every(line => line.text === '')) {
    return null;
  }
  const order = new Map(analysis?.pipeline.steps.map(({ slug, name }, at) => [slug, { name, at }]) ?? []);
  const onScroll = (event: React.UIEvent<HTMLDivElement>): void => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 8;
  };
  return (
    <div className="jp-mlops-Log" role="log" aria-label={trans.__('Log')} tabIndex={0} ref={box} onScroll={onScroll}>
      {lines.map((line, at) => {
        const step = line.step === null ? undefined : order.get(line.step);
        return (
          <div
            key={at}
            className="jp-mlops-Log-line"
            style={{ borderLeftColor: step ? stepColour(step.at) : 'transparent' }}
            title={step?.name}
          >
            {line.text || '\u00a0'}
          </div>
        );
      })}
    </div>
  );
}
