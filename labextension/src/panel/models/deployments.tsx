import { Notification } from '@jupyterlab/apputils';
import { useState } from 'react';
import type { Deployment, DeploymentChange, Model } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem, Section, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { useStoreEvents } from '../lineage/use';
import { Live } from './live';
import { reweighted } from './rows';
import { TryForm } from './trying';

/** What is deployed: state, endpoint, traffic, and what can be done about it. */
export function Deployments({ path }: { readonly path: string; readonly models: readonly Model[] }): JSX.Element {
  const { session, trans } = useServices();
  const answer = useAnswer(`deployments ${path}`, signal =>
    session.client.get<{ deployments: Deployment[] }>('deployments', { path }, signal)
  );
  useStoreEvents(session, { deployments: true, models: true }, answer.again);
  if (answer.error) {
    return <Problem error={answer.error} onRetry={answer.again} trans={trans} />;
  }
  const deployments = answer.value?.deployments ?? [];
  if (answer.value && deployments.length === 0) {
    return (
      <Section title={trans.__('Deployments')}>
        <p className="jp-mlops-Hint">{trans.__('Nothing is deployed: press Deploy… at a version, and it answers requests.')}</p>
      </Section>
    );
  }
  return (
    <>
      {deployments.map(one => (
        <DeploymentCard key={one.name} deployment={one} path={path} onChanged={answer.again} />
      ))}
    </>
  );
}

interface ICardProps {
  readonly deployment: Deployment;
  readonly path: string;
  readonly onChanged: () => void;
}

export function DeploymentCard({ deployment, path, onChanged }: ICardProps): JSX.Element {
  const { session, trans } = useServices();
  const [open, setOpen] = useState<'promote' | 'rollback' | 'try' | null>(null);
  const { name, state, endpoint, models } = deployment;
  const canary = models.find(one => one.role === 'canary') ?? models.find(one => one.role === 'shadow');
  const isServing = state === 'running' || state === 'applied';
  const toggle = (what: typeof open): void => setOpen(open === what ? null : what);
  const change = async (action: string, body: unknown): Promise<void> => {
    try {
      const address = `deployments/${encodeURIComponent(name)}/${action}?${new URLSearchParams({ path })}`;
      const found = await session.client.send<Deployment>('POST', address, body);
      Notification.success(trans.__('%1: %2', found.name, trafficText(found)), { autoClose: 5000 });
      setOpen(null);
      onChanged();
    } catch (error) {
      tell(error, trans);
    }
  };
  return (
    <section className="jp-mlops-Deployment" aria-label={trans.__('Deployment %1', name)}>
      <h2>
        {name} <span className={`jp-mlops-State jp-mod-${state}`}>{state}</span> <small>{deployment.target}</small>
      </h2>
      {deployment.reason ? <p className="jp-mlops-Hint">{deployment.reason}</p> : null}
      {deployment.notes.map(note => (
        <p key={note} className="jp-mlops-Hint">
          {note}
        </p>
      ))}
      {endpoint ? <Endpoint address={endpoint} /> : null}
      <Traffic deployment={deployment} onWeights={weights => void change('weights', { weights })} />
      <div className="jp-mlops-Buttons">
        <button
          className="jp-mlops-Button jp-mod-accept"
          disabled={!canary}
          title={canary ? trans.__('Let it answer all requests') : trans.__('No version is on trial: nothing to promote')}
          aria-expanded={open === 'promote'}
          onClick={() => toggle('promote')}
        >
          {canary ? trans.__('Promote %1…', `v${canary.version}`) : trans.__('Promote…')}
        </button>
        <button className="jp-mlops-Button" aria-expanded={open === 'rollback'} onClick={() => toggle('rollback')}>
          {trans.__('Roll back…')}
        </button>
        <button
          className="jp-mlops-Button"
          disabled={!isServing}
          title={isServing ? trans.__('Send it a request') : trans.__('It does not answer: %1', state)}
          aria-expanded={open === 'try'}
          onClick={() => toggle('try')}
        >
          {trans.__('Try it')}
        </button>
      </div>
      {open === 'promote' && canary ? (
        <ReasonForm
          action={trans.__('Promote %1', `v${canary.version}`)}
          isNeeded
          onReason={reason => void change('promote', { version: canary.version, reason } satisfies DeploymentChange)}
          onCancel={() => setOpen(null)}
        />
      ) : null}
      {open === 'rollback' ? (
        <ReasonForm
          action={trans.__('Roll back')}
          isNeeded={false}
          onReason={reason => void change('rollback', { ...(reason ? { reason } : {}) } satisfies DeploymentChange)}
          onCancel={() => setOpen(null)}
        />
      ) : null}
      {open === 'try' ? <TryForm deployment={deployment} path={path} /> : null}
      {isServing ? <Live name={name} path={path} /> : null}
    </section>
  );
}

function trafficText({ models }: Deployment): string {
  return models.map(one => `v${one.version} ${one.weight} %`).join(', ');
}

function Endpoint({ address }: { readonly address: string }): JSX.Element {
  const isAddress = /^https?:\/\//.test(address) || address.startsWith('/');
  return (
    <p className="jp-mlops-Hint">
      {isAddress ? (
        <a href={address} target="_blank" rel="noopener noreferrer">
          {address}
        </a>
      ) : (
        <code>{address}</code>
      )}
    </p>
  );
}

function Traffic({ deployment, onWeights }: ITrafficProps): JSX.Element {
  const { trans } = useServices();
  const now = Object.fromEntries(deployment.models.map(one => [String(one.version), one.weight]));
  const [draft, setDraft] = useState<Record<string, number> | null>(null);
  const weights = draft ?? now;
  const isMany = deployment.models.length > 1;
  return (
    <form
      className="jp-mlops-Traffic"
      aria-label={trans.__('Traffic')}
      onSubmit={event => {
        event.preventDefault();
        onWeights(weights);
        setDraft(null);
      }}
    >
      {deployment.models.map(one => {
        const version = String(one.version);
        const weight = weights[version] ?? 0;
        return (
          <label key={version}>
            <span>
              v{version} {one.role}
            </span>
            {isMany ? (
              <input
                type="range"
                min={0}
                max={100}
                value={weight}
                onChange={event => setDraft(reweighted(weights, version, Number(event.target.value)))}
              />
            ) : (
              <meter min={0} max={100} value={weight} />
            )}
            <span>{weight} %</span>
          </label>
        );
      })}
      {draft ? (
        <div className="jp-mlops-Buttons">
          <button className="jp-mlops-Button">{trans.__('Set the shares')}</button>
          <button type="button" className="jp-mlops-Button" onClick={() => setDraft(null)}>
            {trans.__('Cancel')}
          </button>
        </div>
      ) : null}
    </form>
  );
}

interface ITrafficProps {
  readonly deployment: Deployment;
  readonly onWeights: (weights: Readonly<Record<string, number>>) => void;
}

function ReasonForm({ action, isNeeded, onReason, onCancel }: IReasonProps): JSX.Element {
  const { trans } = useServices();
  const [reason, setReason] = useState('');
  return (
    <form
      className="jp-mlops-Ask"
      aria-label={action}
      onSubmit={event => {
        event.preventDefault();
        onReason(reason.trim());
      }}
    >
      <label>
        {isNeeded ? trans.__('Why? It stays on record') : trans.__('Why? May be left empty')}
        <input
          className="jp-mlops-Input"
          autoFocus
          required={isNeeded}
          value={reason}
          onChange={event => setReason(event.target.value)}
        />
      </label>
      <div className="jp-mlops-Buttons">
        <button className="jp-mlops-Button jp-mod-accept" disabled={isNeeded && !reason.trim()}>
          {action}
        </button>
        <button type="button" className="jp-mlops-Button" onClick={onCancel}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

interface IReasonProps {
  readonly action: string;
  readonly isNeeded: boolean;
  readonly onReason: (reason: string) => void;
  readonly onCancel: () => void;
}
