import { useMemo, useRef, useState } from 'react';
import type { Run } from '../../api/types';
import { runColour, runColours } from '../../colours';
import { Empty, Problem } from '../../common/parts';
import { useServices, useSignals } from '../../common/services';
import { Commands } from '../../tokens';
import { RunActions } from './actions';
import type { IChoice } from './choice';
import { ColumnChooser } from './chooser';
import { allColumns, chosenColumns, type IColumn } from './columns';
import { RunDetails } from './details';
import { FilterBar } from './filterbar';
import { isGoing } from './format';
import { useChoice, useNow, usePath, useRuns } from './hooks';
import type { RunsModel } from './model';
import { workspaceRow } from './rows';
import { extend, toggle, type Selection } from './selection';
import { RunsTable } from './table';

const NO_COLUMNS = { attributes: [], metrics: [], params: [], tags: [] };

/** The tab "Runs". */
export default function RunsTab(): JSX.Element {
  const [choice, change] = useChoice();
  const model = useRuns(choice);
  return choice ? <Runs choice={choice} onChoice={change} model={model} /> : <div className="jp-mlops-Loading" />;
}

interface IProps {
  readonly choice: IChoice;
  readonly onChoice: (change: Partial<IChoice>) => void;
  readonly model: RunsModel;
}

function Runs({ choice, onChoice, model }: IProps): JSX.Element {
  const services = useServices();
  const { session, trans } = services;
  useSignals(session.analysisChanged, session.choiceChanged, session.notebookChanged);
  const path = usePath(session);
  const [selection, setSelection] = useState<Selection>([]);
  const [current, setCurrent] = useState<string | null>(null);
  const [isChoosing, setChoosing] = useState(false);
  const anchor = useRef<string | null>(null);
  const last = useRef<Run | null>(null);
  const actions = useMemo(() => new RunActions(services, model, path), [services, model, path]);
  const known = model.columns ?? NO_COLUMNS;
  const all = useMemo(() => allColumns(known, trans), [JSON.stringify(known), trans]);
  const columns = chosenColumns(all, choice.columns);
  const colours = useMemo(() => runColours(selection), [selection]);
  const workspace = workspaceRow(session.analysis, session.parameters, session.notebook?.context.model.dirty ?? false);
  const run = current === null ? null : (model.find(current) ?? last.current);
  last.current = run;
  const now = useNow(hasGoing(model, run));
  const select = (id: string, isRange: boolean): void => {
    const from = anchor.current;
    setSelection(before => (isRange && from ? extend(before, orderOf(model, from, id), from, id) : toggle(before, id)));
    anchor.current = id;
  };
  const forget = (gone: readonly string[]): void => {
    setSelection(before => before.filter(id => !gone.includes(id)));
    setCurrent(before => (before !== null && gone.includes(before) ? null : before));
  };
  const removeSelected = async (): Promise<void> => {
    if (await actions.remove(selection)) {
      forget(selection);
    }
  };
  if (!model.isLoaded && model.error && !choice.filter) {
    return <Problem error={model.error} onRetry={() => model.refresh()} trans={trans} />;
  }
  return (
    <div className="jp-mlops-Runs">
      <div className="jp-mlops-Runs-bar">
        <FilterBar
          filter={choice.filter}
          onFilter={filter => onChoice({ filter })}
          error={model.error}
          notes={model.notes}
          example={exampleOf(all)}
          onRetry={() => model.refresh()}
        />
        <button className="jp-mlops-Button" aria-expanded={isChoosing} onClick={() => setChoosing(!isChoosing)}>
          {trans.__('Columns')}
        </button>
        {session.path ? (
          <label className="jp-mlops-Runs-scope jp-mlops-Runs-wide">
            <input
              type="checkbox"
              checked={choice.onlyNotebook}
              onChange={event => onChoice({ onlyNotebook: event.target.checked })}
            />
            <span>{trans.__('Only this notebook')}</span>
          </label>
        ) : null}
      </div>
      {isChoosing ? (
        <ColumnChooser
          all={all}
          shown={columns}
          pinned={choice.pinned}
          onColumns={ids => onChoice({ columns: ids })}
          onPinned={pinned => onChoice({ pinned })}
        />
      ) : null}
      <RunsTable
        model={model}
        workspace={workspace}
        columns={columns}
        choice={choice}
        onChoice={onChoice}
        selection={selection}
        colours={colours}
        onSelect={select}
        current={current}
        onCurrent={id => setCurrent(before => (before === id ? before : id))}
        onOpen={id => actions.report(id)}
        now={now}
      />
      {model.isLoaded && model.total === 0 && !model.error ? <Nothing choice={choice} onChoice={onChoice} /> : null}
      <div className="jp-mlops-Runs-bar jp-mod-foot">
        <button
          className="jp-mlops-Button jp-mod-accept"
          disabled={selection.length < 2}
          title={selection.length < 2 ? trans.__('Choose two runs or more') : ''}
          onClick={() => actions.compare(selection)}
        >
          {selection.length < 2 ? trans.__('Compare') : trans.__('Compare %1', selection.length)}
        </button>
        {selection.length ? (
          <>
            <button className="jp-mlops-Button" onClick={() => setSelection([])}>
              {trans.__('Clear')}
            </button>
            <button className="jp-mlops-Button jp-mod-warn" onClick={() => void removeSelected()}>
              {trans.__('Delete %1', selection.length)}
            </button>
          </>
        ) : null}
        <span className="jp-mlops-Muted" role="status">
          {model.isLoaded ? trans._n('%2 run', '%2 runs', model.total, model.total.toLocaleString('en')) : ''}
        </span>
      </div>
      {run ? (
        <RunDetails
          run={run}
          marks={model.marksOf(run.run_id)}
          actions={actions}
          path={path}
          colour={colours.get(run.run_id) ?? runColour(run.run_id)}
          now={now}
          onClose={() => setCurrent(null)}
          onRemoved={id => forget([id])}
        />
      ) : null}
    </div>
  );
}

/** What teaches where no run is. */
function Nothing({ choice, onChoice }: Omit<IProps, 'model'>): JSX.Element {
  const { app, trans } = useServices();
  if (choice.filter.trim()) {
    return (
      <Empty title={trans.__('No run matches the filter')}>
        <button className="jp-mlops-Button" onClick={() => onChoice({ filter: '' })}>
          {trans.__('Show all runs')}
        </button>
      </Empty>
    );
  }
  if (choice.onlyNotebook) {
    return (
      <Empty title={trans.__('This notebook has not run yet')}>
        <button className="jp-mlops-Button" onClick={() => onChoice({ onlyNotebook: false })}>
          {trans.__('Show runs of all notebooks')}
        </button>
      </Empty>
    );
  }
  return (
    <Empty title={trans.__('No runs yet')}>
      <p>
        {trans.__(
          'Each run of a notebook as a pipeline is kept here with its parameters, metrics, code and data, so that you can compare runs and return to any of them.'
        )}
      </p>
      <button
        className="jp-mlops-Button jp-mod-accept"
        onClick={() => void app.commands.execute(Commands.showPanel, { tab: 'pipeline' })}
      >
        {trans.__('Go to Pipeline')}
      </button>
    </Empty>
  );
}

function hasGoing(model: RunsModel, run: Run | null): boolean {
  return (run !== null && isGoing(run.status)) || model.anyGoing;
}

function orderOf(model: RunsModel, from: string, to: string): readonly string[] {
  const [one, other] = [model.indexOf(from), model.indexOf(to)].sort((a, b) => a - b);
  const found: string[] = [];
  for (let at = Math.max(0, one ?? 0); at <= (other ?? -1); at += 1) {
    const run = model.runAt(at);
    if (run) {
      found.push(run.run_id);
    }
  }
  return found;
}

function exampleOf(all: readonly IColumn[]): string {
  const metric = all.find(column => column.kind === 'metric');
  return `${metric?.id ?? 'metrics.accuracy'} > 0.9`;
}
