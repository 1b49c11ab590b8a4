import { useState, type ReactNode } from 'react';
import type { Kernel } from '../../api/types';
import { tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { hasEnded } from '../../jobs';
import { VERSION } from '../../version';
import { logLines, isSameVersion } from './texts';

/** What stands in the way of running, each with its cure. */
export function Banners({ kernel, wasConnected }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const { status, statusProblem } = session;
  return (
    <>
      {statusProblem?.isMissing ? (
        <Banner level="error" title={trans.__('The server’s part of jupyter-mlops is not there.')}>
          {trans.__('Install it where the Jupyter server runs, then start the server again:')}
          <code>pip install jupyter-mlops</code>
          <code>jupyter server extension enable jupyter_mlops</code>
        </Banner>
      ) : null}
      {wasConnected && !session.events.isConnected && !statusProblem?.isMissing ? (
        <Banner level="warning" title={trans.__('The Jupyter server can’t be reached.')}>
          {trans.__('Trying again. What runs goes on there, and is shown here again as soon as there is a connection.')}
        </Banner>
      ) : null}
      {status && !isSameVersion(status.version, VERSION) ? (
        <Banner level="warning" title={trans.__('The panel and the server are of different versions.')}>
          {trans.__(
            'The panel is %1, the server’s part %2. Install one version for both, start the server again, and reload this page.',
            VERSION,
            status.version
          )}
        </Banner>
      ) : null}
      {status && !status.exists && session.path ? (
        <Banner level="warning" title={trans.__('This notebook is not on the disk.')}>
          {trans.__('Run saves it first.')}
        </Banner>
      ) : null}
      {status?.runtimes_problem ? (
        <Banner level="warning" title={status.runtimes_problem.message}>
          {status.runtimes_problem.hint}
        </Banner>
      ) : null}
      {kernel && !kernel.ok ? <KernelBanner kernel={kernel} /> : null}
    </>
  );
}

interface IProps {
  readonly kernel: Kernel | null;
  /** Whether the event stream was connected before. */
  readonly wasConnected: boolean;
}

function KernelBanner({ kernel }: { readonly kernel: Kernel }): JSX.Element {
  const { session, trans } = useServices();
  const [asked, setAsked] = useState(false);
  const job = session.jobs.find(one => one.kind === 'cure' && one.path === session.path) ?? null;
  const isCuring = asked || (job !== null && !hasEnded(job));
  const onCure = (): void => {
    setAsked(true);
    session
      .cure(kernel.kernel)
      .catch((error: unknown) => tell(error, trans))
      .finally(() => setAsked(false));
  };
  const lines = job ? logLines(session.log(job), 6) : [];
  return (
    <Banner
      level="error"
      title={kernel.reason ?? trans.__('The environment of the kernel %1 lacks what steps need.', kernel.label)}
    >
      <ul>
        {kernel.missing.map(({ name, reason }) => (
          <li key={name}>
            <b>{name}</b> {reason}
          </li>
        ))}
      </ul>
      {kernel.cure ? (
        <>
          <button type="button" className="jp-mlops-Button jp-mod-accept" disabled={isCuring} onClick={onCure}>
            {isCuring ? trans.__('Installing…') : trans.__('Install %1', kernel.cure.packages.join(', '))}
          </button>
          <details>
            <summary>{trans.__('By hand')}</summary>
            <code>{kernel.cure.command}</code>
          </details>
        </>
      ) : null}
      {job && (isCuring || job.state === 'failed') ? (
        <>
          {job.problem ? <div role="alert">{[job.problem.message, job.problem.hint].filter(Boolean).join(' ')}</div> : null}
          <pre className="jp-mlops-Log">{lines.map(line => line.text).join('\n')}</pre>
        </>
      ) : null}
    </Banner>
  );
}

function Banner({ level, title, children }: IBannerProps): JSX.Element {
  return (
    <div className={`jp-mlops-Banner jp-mod-${level}`} role={level === 'error' ? 'alert' : 'status'}>
      <div className="jp-mlops-Banner-title">{title}</div>
      {children}
    </div>
  );
}

interface IBannerProps {
  readonly level: 'error' | 'warning';
  readonly title: string;
  readonly children?: ReactNode;
}
