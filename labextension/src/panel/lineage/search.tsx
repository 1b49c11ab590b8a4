import { useEffect, useId, useState } from 'react';
import type { Lineage, ModelList, RunPage } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { useServices } from '../../common/services';
import { titleOf, whatOf, type Direction, type IQuestion } from './trace';
import { useStoreEvents } from './use';
import { shortRun } from './words';

const SUGGESTED_RUNS = 20;

interface IProps {
  readonly path: string;
  readonly question: IQuestion;
  readonly lineage: Lineage | null;
  readonly onQuestion: (question: IQuestion) => void;
  readonly withDepth: boolean;
}

/** Asks what to trace, which way, and how far. */
export function Search({ path, question, lineage, onQuestion, withDepth }: IProps): JSX.Element {
  const { trans } = useServices();
  const [text, setText] = useState(question.what);
  const list = useId();
  useEffect(() => setText(question.what), [question.what]);
  const ask = (what: string): void => {
    if (what.trim() && what.trim() !== question.what) {
      onQuestion({ ...question, what: what.trim() });
    }
  };
  const ways: readonly (readonly [Direction, string])[] = [
    ['up', trans.__('Made from')],
    ['both', trans.__('Both')],
    ['down', trans.__('Used by')]
  ];
  return (
    <form
      className="jp-mlops-Lineage-search"
      role="search"
      onSubmit={event => {
        event.preventDefault();
        ask(text);
      }}
    >
      <input
        type="search"
        className="jp-mlops-Input"
        aria-label={trans.__('Run, artifact, file or model')}
        placeholder={trans.__('Run, RUN:NAME, digest, file or model:NAME')}
        list={list}
        value={text}
        spellCheck={false}
        onChange={event => {
          setText(event.target.value);
          // one of the list was chosen: nothing was typed
          if (!(event.nativeEvent as InputEvent).inputType) {
            ask(event.target.value);
          }
        }}
      />
      <Suggestions id={list} path={path} lineage={lineage} />
      <div className="jp-mlops-Lineage-choices">
        <div className="jp-mlops-Choice" role="group" aria-label={trans.__('Direction')}>
          {ways.map(([direction, label]) => (
            <button
              key={direction}
              type="button"
              aria-pressed={direction === question.direction}
              onClick={() => onQuestion({ ...question, direction })}
            >
              {label}
            </button>
          ))}
        </div>
        {withDepth ? <Depth question={question} onQuestion={onQuestion} /> : null}
      </div>
    </form>
  );
}

function Depth({ question, onQuestion }: Pick<IProps, 'question' | 'onQuestion'>): JSX.Element {
  const { trans } = useServices();
  return (
    <label>
      {trans.__('Links')}{' '}
      <select
        className="jp-mlops-Input"
        value={question.depth ?? ''}
        onChange={event => onQuestion({ ...question, depth: event.target.value ? Number(event.target.value) : null })}
      >
        <option value="">{trans.__('all')}</option>
        {[1, 2, 3, 4, 6, 8, 12].map(depth => (
          <option key={depth} value={depth}>
            {depth}
          </option>
        ))}
      </select>
    </label>
  );
}

function Suggestions({ id, path, lineage }: { id: string; path: string; lineage: Lineage | null }): JSX.Element {
  const { session, trans } = useServices();
  const runs = useAnswer(`runs ${path}`, signal =>
    session.client.get<RunPage>('runs', { path, limit: SUGGESTED_RUNS }, signal)
  );
  const models = useAnswer(`models ${path}`, signal => session.client.get<ModelList>('models', { path }, signal));
  useStoreEvents(session, { runs: true, models: true }, () => {
    runs.again();
    models.again();
  });
  const things = lineage?.nodes.filter(node => node.kind === 'artifact' || node.kind === 'file') ?? [];
  return (
    <datalist id={id}>
      <option value="latest">{trans.__('the latest run')}</option>
      {models.value?.models.map(model => (
        <option key={`m${model.name}`} value={`model:${model.name}`}>
          {trans.__('model')}
        </option>
      ))}
      {things.map(node => (
        <option key={node.id} value={whatOf(node)}>
          {titleOf(node)}
        </option>
      ))}
      {runs.value?.runs.map(run => (
        <option key={run.run_id} value={run.run_id}>
          {`${shortRun(run.run_id)} · ${run.pipeline} · ${run.status}`}
        </option>
      ))}
    </datalist>
  );
}
