import { launchIcon } from '@jupyterlab/ui-components';
import { useEffect, useState } from 'react';
import { Empty, Problem } from '../../common/parts';
import { useServices, useSignals } from '../../common/services';
import { Commands } from '../../tokens';
import { Details } from './details';
import { Search } from './search';
import { FIRST_QUESTION, questionFrom, type IQuestion } from './trace';
import { Tree } from './tree';
import { useLineage } from './use';
import { useHistory } from './history';

const STATE = 'jupyter-mlops:lineage';

/** The tab "Lineage": what made a run, artifact or model, and what used it, as lists. */
export default function LineageTab(): JSX.Element {
  const { app, session, state, trans } = useServices();
  useSignals(session.notebookChanged);
  const [question, setQuestion] = useState<IQuestion | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const { path } = session;
  useEffect(() => {
    void Promise.resolve(state?.fetch(STATE)).then(
      kept => setQuestion(questionFrom(kept)),
      () => setQuestion(FIRST_QUESTION)
    );
  }, [state]);
  const history = useHistory(path);
  const answer = useLineage(session, path, history.hasRuns ? question : null);
  const ask = (next: IQuestion): void => {
    setQuestion(next);
    setChosen(null);
    void state?.save(STATE, { ...next });
  };
  if (history.error) {
    return <Problem error={history.error} onRetry={history.again} trans={trans} />;
  }
  if (history.hasRuns === false) {
    return <NoRuns />;
  }
  if (!question || history.hasRuns === null) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const lineage = answer.value;
  const node = lineage?.nodes.find(one => one.id === chosen) ?? null;
  return (
    <div className="jp-mlops-Lineage">
      <Search path={path} question={question} lineage={lineage} onQuestion={ask} withDepth={false} />
      <div className="jp-mlops-Buttons">
        <button
          className="jp-mlops-Button"
          onClick={() => void app.commands.execute(Commands.openLineage, { ...question, path })}
        >
          <launchIcon.react tag="span" className="jp-mlops-ButtonIcon" width="14px" height="14px" />
          {trans.__('Open as graph')}
        </button>
        {question.what === FIRST_QUESTION.what ? null : (
          <button className="jp-mlops-Button" onClick={() => ask({ ...question, what: FIRST_QUESTION.what })}>
            {trans.__('Latest run')}
          </button>
        )}
      </div>
      <div className="jp-mlops-Lineage-list" aria-busy={answer.isLoading}>
        {answer.error ? <Problem error={answer.error} onRetry={answer.again} trans={trans} /> : null}
        {lineage ? <Tree lineage={lineage} chosen={chosen} onChoose={setChosen} /> : null}
      </div>
      {lineage && node ? (
        <Details
          node={node}
          lineage={lineage}
          path={path}
          onTrace={what => ask({ ...question, what })}
          onClose={() => setChosen(null)}
        />
      ) : null}
    </div>
  );
}

function NoRuns(): JSX.Element {
  const { app, trans } = useServices();
  return (
    <Empty title={trans.__('No runs yet')}>
      <p>
        {trans.__('Each run records what every step took and made. Here you trace a model back to the cell and the data it came from, and see what used them.')}
      </p>
      <button
        className="jp-mlops-Button jp-mod-accept"
        onClick={() => void app.commands.execute(Commands.showPanel, { tab: 'pipeline' })}
      >
        {trans.__('Run the notebook')}
      </button>
    </Empty>
  );
}
