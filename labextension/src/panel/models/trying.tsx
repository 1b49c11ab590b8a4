import { useState } from 'react';
import type { Deployment, ModelDetails, Prediction } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { secondsText } from '../lineage/words';
import { fieldsOf, rowOf, rowsOf } from './rows';

const MOST_FIELDS = 60;

/** Sends a deployment a request of what is filled in, and shows what it answers. */
export function TryForm({ deployment, path }: { readonly deployment: Deployment; readonly path: string }): JSX.Element {
  const { session, trans } = useServices();
  const first = deployment.models[0];
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [json, setJson] = useState('');
  const [isJson, setIsJson] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [answer, setAnswer] = useState<Prediction | null>(null);
  const details = useAnswer(first ? `${first.model} ${first.version}` : null, signal =>
    session.client.get<ModelDetails>(
      `models/${encodeURIComponent(first?.model ?? '')}`,
      { path, version: first?.version ?? null },
      signal
    )
  );
  if (details.error) {
    return <Problem error={details.error} onRetry={details.again} trans={trans} />;
  }
  if (!details.value) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const { signature } = details.value;
  const fields = fieldsOf(signature);
  const asJson = isJson || fields.length === 0 || fields.length > MOST_FIELDS;

  const rows = (): readonly unknown[] | null => {
    if (asJson) {
      const found = rowsOf(json);
      setProblem(found ? null : trans.__('That is no JSON of a row or of rows.'));
      return found;
    }
    const made = rowOf(signature, texts);
    setProblem('problem' in made ? trans.__('%1: “%2” is no number.', made.problem.field, made.problem.text) : null);
    return 'row' in made ? [made.row] : null;
  };
  const send = async (): Promise<void> => {
    const wanted = rows();
    if (!wanted) {
      return;
    }
    try {
      const address = `deployments/${encodeURIComponent(deployment.name)}/try?${new URLSearchParams({ path })}`;
      setAnswer(await session.client.send<Prediction>('POST', address, { rows: wanted }));
    } catch (error) {
      tell(error, trans);
    }
  };
  return (
    <form
      className="jp-mlops-Ask"
      aria-label={trans.__('Try it')}
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      {asJson ? (
        <label>
          {trans.__('Rows as JSON')}
          <textarea
            className="jp-mlops-Input"
            rows={4}
            spellCheck={false}
            value={json}
            placeholder={'[{"age": 41, "income": 2.3}]'}
            onChange={event => setJson(event.target.value)}
          />
        </label>
      ) : (
        fields.map(field => (
          <label key={field.name} title={field.dtype}>
            {field.name}
            {field.kind === 'boolean' ? (
              <select
                className="jp-mlops-Input"
                value={texts[field.name] ?? ''}
                onChange={event => setTexts({ ...texts, [field.name]: event.target.value })}
              >
                <option value="">–</option>
                <option value="true">True</option>
                <option value="false">False</option>
              </select>
            ) : (
              <input
                className="jp-mlops-Input"
                inputMode={field.kind === 'number' ? 'decimal' : 'text'}
                placeholder={field.dtype}
                value={texts[field.name] ?? ''}
                onChange={event => setTexts({ ...texts, [field.name]: event.target.value })}
              />
            )}
          </label>
        ))
      )}
      {problem ? (
        <p className="jp-mlops-Hint" role="alert">
          {problem}
        </p>
      ) : null}
      <div className="jp-mlops-Buttons">
        <button className="jp-mlops-Button jp-mod-accept">{trans.__('Send')}</button>
        {fields.length > 0 && fields.length <= MOST_FIELDS ? (
          <button type="button" className="jp-mlops-Button" onClick={() => setIsJson(!isJson)}>
            {isJson ? trans.__('As a form') : trans.__('As JSON')}
          </button>
        ) : null}
      </div>
      {answer ? (
        <div role="status">
          <pre className="jp-mlops-Preview">{JSON.stringify(answer.outputs, null, 1)}</pre>
          <p className="jp-mlops-Hint">
            {[answer.model, answer.version === null ? null : `v${answer.version}`, secondsText(answer.seconds)]
              .filter(Boolean)
              .join(' · ')}
          </p>
        </div>
      ) : null}
    </form>
  );
}
