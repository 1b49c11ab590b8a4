import { Notification } from '@jupyterlab/apputils';
import { useEffect, useState } from 'react';
import type { ModelRegistered, RegisterRequest, Run, RunDetail } from '../../api/types';
import { Problem, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { sourcesOf, type ISource } from './sources';

interface IProps {
  readonly run: Run;
  readonly path: string;
  readonly onDone: () => void;
}

/** Give something that a run made a name and a version. */
export function RegisterForm({ run, path, onDone }: IProps): JSX.Element {
  const { session, app, trans } = useServices();
  const [sources, setSources] = useState<readonly ISource[] | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [source, setSource] = useState('');
  const [name, setName] = useState(run.pipeline);
  const [isChampion, setChampion] = useState(false);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const asked = new AbortController();
    session.client
      .get<RunDetail>(`runs/${encodeURIComponent(run.run_id)}`, { path: path || null }, asked.signal)
      .then(detail => {
        const found = sourcesOf(detail);
        setSources(found);
        setSource(found[0]?.source ?? '');
      })
      .catch(problem => (asked.signal.aborted ? undefined : setError(problem as Error)));
    return () => asked.abort();
  }, [run.run_id, path, session]);
  const register = async (): Promise<void> => {
    const body: RegisterRequest = { source, name: name.trim(), aliases: isChampion ? ['champion'] : [] };
    setBusy(true);
    try {
      const { version, notes } = await session.client.send<ModelRegistered>('POST', 'models', path ? { ...body, path } : body);
      const said = trans.__('%1 is now version %2 of %3.', source.slice(run.run_id.length + 1), version.version, version.name);
      Notification.success([said, ...notes].join(' '), {
        actions: [
          {
            label: trans.__('Show models'),
            callback: () => void app.commands.execute(Commands.showPanel, { tab: 'models' })
          }
        ]
      });
      onDone();
    } catch (problem) {
      tell(problem, trans);
    } finally {
      setBusy(false);
    }
  };
  if (error) {
    return <Problem error={error} trans={trans} />;
  }
  if (!sources) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  if (!sources.length) {
    return (
      <div className="jp-mlops-Register">
        {trans.__('This run made nothing that can be a model: an estimator, a function, or anything else with a predict method that a step hands on. A cell with the tag out:NAME hands NAME on.')}
      </div>
    );
  }
  return (
    <form
      className="jp-mlops-Register"
      aria-label={trans.__('Register a model')}
      onSubmit={event => {
        event.preventDefault();
        void register();
      }}
    >
      <label>
        <span>{trans.__('What')}</span>
        <select value={source} onChange={event => setSource(event.target.value)}>
          {sources.map(one => (
            <option key={one.source} value={one.source}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{trans.__('Model name')}</span>
        <input value={name} required onChange={event => setName(event.target.value)} />
      </label>
      <label className="jp-mod-check">
        <input type="checkbox" checked={isChampion} onChange={event => setChampion(event.target.checked)} />
        <span>{trans.__('Make it the champion')}</span>
      </label>
      <div className="jp-mlops-Actions">
        <button className="jp-mlops-Button jp-mod-accept" type="submit" disabled={isBusy || !name.trim()}>
          {isBusy ? trans.__('Registering …') : trans.__('Register')}
        </button>
        <button className="jp-mlops-Button" type="button" onClick={onDone}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}
