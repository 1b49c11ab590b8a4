import { Dialog, showDialog } from '@jupyterlab/apputils';
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { Model, ModelDetails, ModelVersion, Status } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { Facts, Metrics } from '../lineage/details';
import { useStoreEvents } from '../lineage/use';
import { sizeText } from '../lineage/words';
import { Aliases, Chips } from './aliases';
import { DeployForm } from './deploying';
import { Description } from './description';
import { Origin } from './origin';
import { SignatureTable } from './signature';

interface IProps {
  readonly model: Model;
  readonly path: string;
  readonly deploy: Status['deploy'];
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly onChanged: () => void;
}

/** A registered model; open, it shows one of its versions. */
export function ModelCard(props: IProps): JSX.Element {
  const { trans } = useServices();
  const { model, isOpen } = props;
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-mlops-Model" aria-label={trans.__('Model %1', model.name)}>
      <h2>
        <button aria-expanded={isOpen} onClick={props.onToggle}>
          <Caret.react tag="span" />
          <span className="jp-mlops-Model-name">{model.name}</span>
          <Chips aliases={model.aliases} />
          <span className="jp-mlops-Hint">{trans._n('%1 version', '%1 versions', model.versions)}</span>
        </button>
      </h2>
      {isOpen ? <Open {...props} /> : null}
    </section>
  );
}

function Open({ model, path, deploy, onChanged }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [version, setVersion] = useState<number | null>(null);
  const query = { path, ...(version === null ? {} : { version }) };
  const address = `models/${encodeURIComponent(model.name)}`;
  const answer = useAnswer(JSON.stringify([model.name, query]), signal =>
    session.client.get<ModelDetails>(address, query, signal)
  );
  useStoreEvents(session, { models: true }, answer.again);
  const changed = (): void => {
    answer.again();
    onChanged();
  };
  if (answer.error) {
    return <Problem error={answer.error} onRetry={() => (version === null ? answer.again() : setVersion(null))} trans={trans} />;
  }
  const found = answer.value;
  if (!found) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const { shown } = found;
  return (
    <div className="jp-mlops-Model-body" aria-busy={answer.isLoading}>
      <Description model={model.name} version={null} text={model.description} path={path} onChanged={changed} />
      {found.versions.length > 1 && shown ? (
        <label className="jp-mlops-Row">
          {trans.__('Version')}
          <select className="jp-mlops-Input" value={shown.version} onChange={event => setVersion(Number(event.target.value))}>
            {found.versions.map(one => (
              <option key={one.version} value={one.version}>
                {[one.version, ...one.aliases].join(' · ')}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      {shown ? (
        <VersionBody
          key={shown.version}
          details={found}
          shown={shown}
          path={path}
          deploy={deploy}
          onChanged={changed}
          onRemoved={() => {
            setVersion(null);
            changed();
          }}
        />
      ) : (
        <p className="jp-mlops-Hint">{trans.__('All its versions were removed.')}</p>
      )}
    </div>
  );
}

interface IVersionProps {
  readonly details: ModelDetails;
  readonly shown: ModelVersion;
  readonly path: string;
  readonly deploy: Status['deploy'];
  readonly onChanged: () => void;
  readonly onRemoved: () => void;
}

function VersionBody({ details, shown, path, deploy, onChanged, onRemoved }: IVersionProps): JSX.Element {
  const { app, trans } = useServices();
  const [isDeploying, setDeploying] = useState(false);
  const { artifact } = details;
  const reference = `${shown.model}/${shown.version}`;
  return (
    <>
      <Facts
        facts={[
          [trans.__('Version'), `${shown.version} · ${new Date(shown.created).toLocaleString()}`],
          [trans.__('From'), <Origin key="origin" details={details} shown={shown} />],
          ...(artifact
            ? [[trans.__('Content'), [artifact.type?.split('.').pop(), sizeText(artifact.bytes)].filter(Boolean).join(' · ')] as const]
            : []),
          [trans.__('Aliases'), <Aliases key="aliases" shown={shown} path={path} onChanged={onChanged} />]
        ]}
      />
      <Description model={shown.model} version={shown.version} text={shown.description} path={path} onChanged={onChanged} />
      <Metrics metrics={details.metrics} />
      <div className="jp-mlops-Buttons">
        <button
          className="jp-mlops-Button jp-mod-accept"
          disabled={!deploy.available}
          title={deploy.reason ?? trans.__('Let it answer requests')}
          aria-describedby={deploy.available ? undefined : `jp-mlops-deploy-${reference}`}
          onClick={() => setDeploying(!isDeploying)}
        >
          {trans.__('Deploy…')}
        </button>
        <button
          className="jp-mlops-Button"
          onClick={() => void app.commands.execute(Commands.openLineage, { what: `model:${reference}`, path })}
        >
          {trans.__('Lineage')}
        </button>
        <button
          className="jp-mlops-Button"
          title={trans.__('Bind it in the notebook’s kernel')}
          onClick={() =>
            void app.commands.execute(Commands.loadIntoKernel, {
              run: shown.run_id,
              step: shown.step,
              artifact: shown.name ?? shown.artifact
            })
          }
        >
          {trans.__('Load into kernel')}
        </button>
        <Remove shown={shown} path={path} onRemoved={onRemoved} />
      </div>
      {deploy.available ? null : (
        <p className="jp-mlops-Hint" id={`jp-mlops-deploy-${reference}`}>
          {deploy.reason ?? trans.__('Deployment is not available.')}
        </p>
      )}
      {isDeploying ? <DeployForm shown={shown} path={path} onClose={() => setDeploying(false)} /> : null}
      <SignatureTable signature={details.signature} />
    </>
  );
}

function Remove({ shown, path, onRemoved }: Pick<IVersionProps, 'shown' | 'path' | 'onRemoved'>): JSX.Element {
  const { session, trans } = useServices();
  const { model, version, aliases } = shown;
  const remove = async (): Promise<void> => {
    const named = aliases.length > 0 ? trans.__('What stands for it will stand for nothing: %1.', aliases.join(', ')) : '';
    const answer = await showDialog({
      title: trans.__('Remove version %1 of %2?', version, model),
      body: [named, trans.__('The run that it came from stays. The number is never given again.')].filter(Boolean).join(' '),
      buttons: [Dialog.cancelButton({ label: trans.__('Keep') }), Dialog.warnButton({ label: trans.__('Remove') })],
      defaultButton: 0
    });
    if (!answer.button.accept) {
      return;
    }
    const query = new URLSearchParams({ path, ...(aliases.length > 0 ? { force: 'true' } : {}) });
    try {
      await session.client.send('DELETE', `models/${encodeURIComponent(model)}/${version}?${query}`);
      onRemoved();
    } catch (error) {
      tell(error, trans);
    }
  };
  return (
    <button className="jp-mlops-Button jp-mod-warn" onClick={() => void remove()}>
      {trans.__('Remove…')}
    </button>
  );
}
