import type { ComparedCell, Comparison } from '../../api/types';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import type { IShownRun } from './numbers';

interface IProps {
  readonly comparison: Comparison;
  readonly runs: readonly IShownRun[];
  readonly all: boolean;
}

/** The code of each run beside the baseline's, cell by cell. */
export function CodeDiffs({ comparison, runs, all }: IProps): JSX.Element {
  const { trans } = useServices();
  const base = runs[0]?.name ?? '';
  return (
    <>
      {comparison.code.map(one => {
        const run = runs.find(shown => shown.id === one.run_id);
        const cells = one.cells.filter(cell => all || cell.status !== 'same' || cell.moved);
        return (
          <div key={one.run_id} className="jp-mlops-Code">
            <h3>
              <span className="jp-mlops-Dot" style={{ background: run?.colour }} aria-hidden="true" />
              {trans.__('%1, against %2', run?.name ?? one.run_id, base)}
            </h3>
            {!one.known ? (
              <p className="jp-mlops-Muted">{trans.__('One of the two runs kept no notebook.')}</p>
            ) : cells.length === 0 ? (
              <p className="jp-mlops-Muted">{trans.__('The code is the same.')}</p>
            ) : (
              cells.map(cell => <CellDiff key={`${cell.id} ${cell.status}`} cell={cell} />)
            )}
          </div>
        );
      })}
    </>
  );
}

function CellDiff({ cell }: { readonly cell: ComparedCell }): JSX.Element {
  const { app, trans } = useServices();
  const words: Readonly<Record<string, string>> = {
    changed: trans.__('changed'),
    layout: trans.__('only laid out differently'),
    text: trans.__('text changed'),
    tags: trans.__('tags changed'),
    added: trans.__('added'),
    removed: trans.__('removed'),
    same: trans.__('the same')
  };
  const id = cell.other_id ?? cell.id;
  const number = cell.other_number ?? cell.number;
  const where = number === null ? trans.__('cell') : trans.__('cell %1', number);
  return (
    <div className="jp-mlops-CellDiff">
      <header>
        <button
          className="jp-mlops-Link"
          title={trans.__('Show the cell in the current notebook')}
          onClick={() => void app.commands.execute(Commands.goToCell, { cell: id })}
        >
          {where}
        </button>
        {cell.step ? <span>{cell.step}</span> : null}
        <span className="jp-mlops-Muted">{words[cell.status] ?? cell.status}</span>
        {cell.moved ? <span className="jp-mlops-Muted">{trans.__('moved')}</span> : null}
      </header>
      {cell.tags ? <TagChange tags={cell.tags} /> : null}
      {cell.diff ? (
        <pre tabIndex={0} aria-label={trans.__('Difference of %1', where)}>
          {cell.diff.split('\n').map((line, at) => (
            <DiffLine key={at} line={line} />
          ))}
        </pre>
      ) : null}
    </div>
  );
}

function TagChange({ tags }: { readonly tags: readonly (readonly string[])[] }): JSX.Element {
  return <div className="jp-mlops-Muted">{tags.map(one => one.join(', ') || '–').join(' → ')}</div>;
}

function DiffLine({ line }: { readonly line: string }): JSX.Element {
  const kind = line.startsWith('+') ? 'jp-mod-added' : line.startsWith('-') ? 'jp-mod-removed' : line.startsWith('@@') ? 'jp-mod-place' : '';
  return <div className={`jp-mlops-DiffLine ${kind}`}>{line || ' '}</div>;
}
