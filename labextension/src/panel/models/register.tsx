import { Notification } from '@jupyterlab/apputils';
import { useId, useState } from 'react';
import type { ModelList, ModelRegistered, RegisterRequest, RunDetail, RunPage } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { shortRun } from '../lineage/words';
import { candidatesOf, nameProblem } from './source';

interface IProps {
  readonly path: string;
  /** What is registered; null lets choose a run and what it made. */
  readonly sources: readonly [string] | null;
  readonly suggested: string;
  readonly onDone: (registered: ModelRegistered) => void;
  readonly onCancel: () => void;
}

/** Gives something that a run made a name and a version. */
export function RegisterForm({ path, sources, suggested, onDone, onCancel }: IProps): JSX.Element {
  const { session, trans } = useServices();
  const [source, setSource] = useState(sources?.[0] ?? '');
  const [name, setName] = useState(suggested);
  const [alias, setAlias] = useState('');
  const [description, setDescription] = useState('');
  const [isBusy, setBusy] = useState(false);
  const models = useAnswer(`models ${path}`, signal => session.client.get<ModelList>('models', { path }, signal));
  const names = useId();
  const problem = problemText(trans, name, alias);

  const register = async (): Promise<void> => {
    setBusy(true);
    const body: RegisterRequest = {
      path,
      source,
      name: name.trim(),
      ...(alias.trim() ? { aliases: [alias.trim()] } : {}),
      ...(description.trim() ? { description: description.trim() } : {})
    };
    try {
      const found = await session.client.send<ModelRegistered>('POST', 'models', body);
      const { model, version } = found.version;
      const said = found.new
        ? trans.__('Registered as %1, version %2.', model, version)
        : trans.__('The same content is version %2 of %1 already.', model, version);
      Notification.success([said, ...found.notes].join(' '), { autoClose: 6000 });
      onDone(found);
    } catch (error) {
      tell(error, trans);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="jp-mlops-Ask"
      aria-label={trans.__('Register a model')}
      onSubmit={event => {
        event.preventDefault();
        void register();
      }}
    >
      {sources ? (
        <p className="jp-mlops-Hint">
          <code>{sources[0]}</code>
        </p>
      ) : (
        <SourceChoice
          path={path}
          onSource={(chosen, variable) => {
            setSource(chosen);
            setName(current => current || variable);
          }}
        />
      )}
      <label>
        {trans.__('Name')}
        <input className="jp-mlops-Input" list={names} value={name} required onChange={event => setName(event.target.value)} />
      </label>
      <datalist id={names}>
        {models.value?.models.map(model => <option key={model.name} value={model.name} />)}
      </datalist>
      <label>
        {trans.__('Alias')}
        <input
          className="jp-mlops-Input"
          value={alias}
          placeholder={trans.__('such as champion; may be left empty')}
          onChange={event => setAlias(event.target.value)}
        />
      </label>
      <label>
        {trans.__('Description')}
        <input className="jp-mlops-Input" value={description} onChange={event => setDescription(event.target.value)} />
      </label>
      {problem ? <p className="jp-mlops-Hint">{problem}</p> : null}
      <div className="jp-mlops-Buttons">
        <button type="submit" className="jp-mlops-Button jp-mod-accept" disabled={isBusy || !source || problem !== null}>
          {trans.__('Register')}
        </button>
        <button type="button" className="jp-mlops-Button" onClick={onCancel}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

type Trans = ReturnType<typeof useServices>['trans'];

function problemText(trans: Trans, name: string, alias: string): string | null {
  if (nameProblem(name) === 'empty') {
    return trans.__('Give it a name; a name that is there gets a new version.');
  }
  if (nameProblem(name) === 'character' || nameProblem(alias) === 'character') {
    return trans.__('Names and aliases have none of the characters / \\ @ :');
  }
  if (/^v?\d{1,9}$/.test(alias.trim()) || alias.trim() === 'latest') {
    return trans.__('An alias is no number and not “latest”.');
  }
  return nameProblem(name) === 'long' ? trans.__('The name is too long.') : null;
}

const CHOICE = 50;

function SourceChoice({ path, onSource }: { path: string; onSource: (source: string, name: string) => void }): JSX.Element {
  const { session, trans } = useServices();
  const [run, setRun] = useState('');
  const [source, setSource] = useState('');
  const runs = useAnswer(`runs ${path}`, signal => session.client.get<RunPage>('runs', { path, limit: CHOICE }, signal));
  const all = runs.value?.runs.filter(one => one.status !== 'queued' && one.status !== 'running') ?? [];
  const chosen = run || (all[0]?.run_id ?? '');
  const detail = useAnswer(chosen ? `${chosen} ${path}` : null, async signal => {
    const found = await session.client.get<RunDetail>(`runs/${encodeURIComponent(chosen)}`, { path }, signal);
    const first = candidatesOf(found)[0];
    setSource(first?.source ?? '');
    onSource(first?.source ?? '', first?.name ?? '');
    return found;
  });
  const error = runs.error ?? detail.error;
  if (error) {
    return <Problem error={error} onRetry={runs.error ? runs.again : detail.again} trans={trans} />;
  }
  const candidates = detail.value ? candidatesOf(detail.value) : [];
  return (
    <>
      <label>
        {trans.__('Run')}
        <select className="jp-mlops-Input" value={chosen} onChange={event => setRun(event.target.value)}>
          {all.map(one => (
            <option key={one.run_id} value={one.run_id}>
              {`${shortRun(one.run_id)} · ${one.pipeline} · ${one.status}`}
            </option>
          ))}
        </select>
      </label>
      <label>
        {trans.__('What it made')}
        <select
          className="jp-mlops-Input"
          value={source}
          disabled={candidates.length === 0}
          onChange={event => {
            setSource(event.target.value);
            onSource(event.target.value, candidates.find(one => one.source === event.target.value)?.name ?? '');
          }}
        >
          {candidates.map(one => (
            <option key={one.source} value={one.source}>
              {`${one.name} · ${one.type.split('.').pop() ?? one.type} · ${one.step}`}
            </option>
          ))}
        </select>
      </label>
      {detail.value && candidates.length === 0 ? (
        <p className="jp-mlops-Hint">
          {trans.__('This run kept nothing that can be a model: a model is an estimator or a function that a later step takes, one of a cell tagged “out:NAME”, or a model file.')}
        </p>
      ) : null}
      {runs.value && all.length === 0 ? (
        <p className="jp-mlops-Hint">{trans.__('There is no run yet: run the notebook in the tab Pipeline first.')}</p>
      ) : null}
    </>
  );
}
