import { useState } from 'react';
import type { ModelList } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Empty, Problem } from '../../common/parts';
import { useServices, useSignals } from '../../common/services';
import { Commands } from '../../tokens';
import { useHistory } from '../lineage/history';
import { useStoreEvents } from '../lineage/use';
import { Deployments } from './deployments';
import { ModelCard } from './model';
import { RegisterForm } from './register';

/** The tab "Models": what is registered, where it came from, where it is deployed. */
export default function ModelsTab(): JSX.Element {
  const { session, trans } = useServices();
  useSignals(session.notebookChanged);
  const { path } = session;
  const [isRegistering, setRegistering] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const history = useHistory(path);
  const answer = useAnswer(`models ${path}`, signal => session.client.get<ModelList>('models', { path }, signal));
  useStoreEvents(session, { models: true }, answer.again);
  const error = answer.error ?? history.error;
  if (error) {
    return (
      <Problem
        error={error}
        trans={trans}
        onRetry={() => {
          answer.again();
          history.again();
        }}
      />
    );
  }
  if (!answer.value || !history.status) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const { models } = answer.value;
  const { deploy } = history.status;
  const shown = open ?? models[0]?.name ?? null;
  if (models.length === 0 && !isRegistering) {
    return <NoModels hasRuns={history.hasRuns ?? false} onRegister={() => setRegistering(true)} />;
  }
  return (
    <div className="jp-mlops-Models">
      {isRegistering ? (
        <section className="jp-mlops-Section">
          <RegisterForm
            path={path}
            sources={null}
            suggested=""
            onDone={found => {
              setRegistering(false);
              setOpen(found.version.model);
              answer.again();
            }}
            onCancel={() => setRegistering(false)}
          />
        </section>
      ) : (
        <div className="jp-mlops-Buttons jp-mod-top">
          <button className="jp-mlops-Button" onClick={() => setRegistering(true)}>
            {trans.__('Register…')}
          </button>
        </div>
      )}
      {models.map(model => (
        <ModelCard
          key={model.name}
          model={model}
          path={path}
          deploy={deploy}
          isOpen={model.name === shown}
          onToggle={() => setOpen(model.name === shown ? '' : model.name)}
          onChanged={answer.again}
        />
      ))}
      {deploy.available ? <Deployments path={path} models={models} /> : null}
    </div>
  );
}

function NoModels({ hasRuns, onRegister }: { hasRuns: boolean; onRegister: () => void }): JSX.Element {
  const { app, trans } = useServices();
  return (
    <Empty title={trans.__('No models yet')}>
      <p>
        {trans.__('Register what a run made, such as a fitted estimator, under a name: it gets a version, and keeps the code, data, parameters and metrics that it came from.')}
      </p>
      {hasRuns ? (
        <button className="jp-mlops-Button jp-mod-accept" onClick={onRegister}>
          {trans.__('Register…')}
        </button>
      ) : (
        <>
          <p>{trans.__('That needs a run.')}</p>
          <button
            className="jp-mlops-Button jp-mod-accept"
            onClick={() => void app.commands.execute(Commands.showPanel, { tab: 'pipeline' })}
          >
            {trans.__('Run the notebook')}
          </button>
        </>
      )}
    </Empty>
  );
}
