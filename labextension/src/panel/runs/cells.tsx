import { runColour } from '../../colours';
import { useServices } from '../../common/services';
import { cellOf, type IColumn } from './columns';
import { formatValue, signOf, wordsOf } from './format';
import type { IRunRow, IWorkspaceRow, Row } from './rows';
import type { Selection } from './selection';

interface IRunCell {
  readonly row: Row;
  readonly selection: Selection;
  readonly colours: ReadonlyMap<string, string>;
  readonly onSelect: (id: string, extend: boolean) => void;
  readonly onCurrent: (id: string) => void;
}

/** The first column: which run, and how it stands. */
export function RunCell(props: IRunCell): JSX.Element {
  const { trans } = useServices();
  const { row } = props;
  if (row.kind === 'workspace') {
    return <Workspace row={row} />;
  }
  if (row.kind === 'waiting') {
    return <span className="jp-mlops-Muted">{trans.__('loading …')}</span>;
  }
  const { run, marks } = row;
  const name = wordsOf(run.run_id);
  const isChosen = props.selection.includes(run.run_id);
  const colour = props.colours.get(run.run_id) ?? runColour(run.run_id);
  return (
    <>
      <input
        type="checkbox"
        tabIndex={-1}
        checked={isChosen}
        aria-label={trans.__('Choose %1', name)}
        onChange={() => undefined}
        onClick={event => props.onSelect(run.run_id, event.shiftKey)}
      />
      <span className="jp-mlops-Dot" style={{ background: colour }} aria-hidden="true" />
      <span className="jp-mlops-Runs-name" title={`${run.run_id}\n${run.pipeline}`}>
        {name}
      </span>
      <Status row={row} />
      {marks?.production ? (
        <span className="jp-mlops-Runs-mark" title={trans.__('A model of this run is in production')}>
          ★<span className="jp-mlops-Hidden">{trans.__('in production')}</span>
        </span>
      ) : null}
      {run.backend !== 'local' ? <span className="jp-mlops-Muted">{run.backend}</span> : null}
    </>
  );
}

/** Any other column. */
export function RowCell({ row, column, now }: IRowCell): JSX.Element | null {
  const { trans } = useServices();
  if (row.kind === 'waiting') {
    return null;
  }
  if (row.kind === 'workspace') {
    return <WorkspaceValue row={row} column={column} />;
  }
  const cell = cellOf(column, row.run, row.marks, now);
  return (
    <>
      <span title={cell.title ?? cell.text}>{cell.text || <Nothing />}</span>
      {column.id === 'commit' && row.marks?.dirty ? (
        <span className="jp-mlops-Runs-dirty" title={trans.__('There were changes that are not in the commit')}>
          {trans.__('dirty')}
        </span>
      ) : null}
    </>
  );
}

interface IRowCell {
  readonly row: Row;
  readonly column: IColumn;
  readonly now: number;
}

function Workspace({ row }: { readonly row: IWorkspaceRow }): JSX.Element {
  const { trans } = useServices();
  const isEdited = row.isDirty || row.edited.length > 0;
  return (
    <>
      <b title={trans.__('The notebook as it is now')}>{trans.__('workspace')}</b>
      {isEdited ? <span className="jp-mlops-Muted">{trans.__('edited')}</span> : null}
    </>
  );
}

function WorkspaceValue({ row, column }: { readonly row: IWorkspaceRow; readonly column: IColumn }): JSX.Element {
  if (column.kind !== 'param' || !(column.name in row.values)) {
    return <Nothing />;
  }
  const text = formatValue(row.values[column.name]);
  return <span title={text}>{row.edited.includes(column.name) ? <b>{text}</b> : text}</span>;
}

function Status({ row }: { readonly row: IRunRow }): JSX.Element {
  const { trans } = useServices();
  const { status } = row.run;
  const words: Readonly<Record<string, string>> = {
    queued: trans.__('queued'),
    running: trans.__('running'),
    succeeded: trans.__('succeeded'),
    reused: trans.__('reused'),
    failed: trans.__('failed'),
    skipped: trans.__('skipped'),
    cancelled: trans.__('cancelled')
  };
  const word = words[status] ?? status;
  return (
    <span className={`jp-mlops-Status jp-mod-${status}`} role="img" aria-label={word} title={word}>
      {signOf(status)}
    </span>
  );
}

function Nothing(): JSX.Element {
  return (
    <span className="jp-mlops-Muted" aria-hidden="true">
      –
    </span>
  );
}
