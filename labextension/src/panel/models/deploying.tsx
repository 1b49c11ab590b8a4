import { Notification } from '@jupyterlab/apputils';
import { useState } from 'react';
import type { DeployRequest, Deployment, ModelVersion } from '../../api/types';
import { tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { ENVIRONMENTS, TARGETS, deploymentName } from './rows';

interface IProps {
  readonly shown: ModelVersion;
  readonly path: string;
  readonly onClose: () => void;
}

/** Asks where a version is to answer requests, and how many of them. */
export function DeployForm({ shown, path, onClose }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [target, setTarget] = useState<string>(TARGETS[0]);
  const [environment, setEnvironment] = useState<string>(ENVIRONMENTS[0]);
  const [weight, setWeight] = useState(100);
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const name = deploymentName(shown.model, environment);
  const targets: Readonly<Record<string, string>> = {
    local: trans.__('This machine'),
    container: trans.__('Container image'),
    kubernetes: 'Kubernetes',
    kserve: 'KServe'
  };
  const environments: Readonly<Record<string, string>> = {
    production: trans.__('Production'),
    staging: trans.__('Staging'),
    test: trans.__('Test')
  };
  const deploy = async (): Promise<void> => {
    setBusy(true);
    const body: DeployRequest = {
      path,
      model: `${shown.model}/${shown.version}`,
      name,
      target,
      ...(weight === 100 ? {} : { weight }),
      ...(reason.trim() ? { reason: reason.trim() } : {})
    };
    try {
      const made = await session.client.send<Deployment>('POST', 'deployments', body);
      Notification.success(trans.__('%1 is %2.', made.name, made.state), { autoClose: 5000 });
      onClose();
    } catch (error) {
      tell(error, trans);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="jp-mlops-Ask"
      aria-label={trans.__('Deploy version %1 of %2', shown.version, shown.model)}
      onSubmit={event => {
        event.preventDefault();
        void deploy();
      }}
    >
      <label>
        {trans.__('Target')}
        <select className="jp-mlops-Input" value={target} onChange={event => setTarget(event.target.value)}>
          {TARGETS.map(one => (
            <option key={one} value={one}>
              {targets[one] ?? one}
            </option>
          ))}
        </select>
      </label>
      <label>
        {trans.__('Environment')}
        <select className="jp-mlops-Input" value={environment} onChange={event => setEnvironment(event.target.value)}>
          {ENVIRONMENTS.map(one => (
            <option key={one} value={one}>
              {environments[one] ?? one}
            </option>
          ))}
        </select>
      </label>
      <p className="jp-mlops-Hint">{trans.__('Its name is %1.', name)}</p>
      <label>
        {trans.__('Share of requests (%)')}
        <input
          type="number"
          className="jp-mlops-Input"
          min={0}
          max={100}
          value={weight}
          onChange={event => setWeight(Number(event.target.value))}
        />
      </label>
      <label>
        {trans.__('Reason')}
        <input
          className="jp-mlops-Input"
          value={reason}
          placeholder={trans.__('stays on record, such as: better recall')}
          onChange={event => setReason(event.target.value)}
        />
      </label>
      <div className="jp-mlops-Buttons">
        <button type="submit" className="jp-mlops-Button jp-mod-accept" disabled={isBusy}>
          {trans.__('Deploy')}
        </button>
        <button type="button" className="jp-mlops-Button" onClick={onClose}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}
