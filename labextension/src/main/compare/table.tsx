import type { Comparison } from '../../api/types';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { rowsOf, type ICompareRow } from './lines';
import type { IShownRun } from './numbers';

interface IProps {
  readonly comparison: Comparison;
  readonly runs: readonly IShownRun[];
  readonly all: boolean;
  readonly path: string;
  readonly onBaseline: (id: string) => void;
}

/** What the runs are, side by side; the baseline comes first. */
export function Differences({ comparison, runs, all, path, onBaseline }: IProps): JSX.Element {
  const { app, trans } = useServices();
  const rows = rowsOf(comparison, trans).filter(row => all || row.differs);
  return (
    <div className="jp-mlops-Compare-scroll" tabIndex={0} role="region" aria-label={trans.__('Differences')}>
      <table className="jp-mlops-Compare-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="jp-mlops-Hidden">{trans.__('Kind')}</span>
            </th>
            <th scope="col">
              <span className="jp-mlops-Hidden">{trans.__('Name')}</span>
            </th>
            {runs.map(run => (
              <th key={run.id} scope="col">
                <span className="jp-mlops-Dot" style={{ background: run.colour }} aria-hidden="true" />
                <button
                  className="jp-mlops-Link"
                  title={trans.__('Open the report of %1', run.id)}
                  onClick={() => void app.commands.execute(Commands.openReport, { run: run.id, path })}
                >
                  {run.name}
                </button>
                {run.id === comparison.baseline ? (
                  <span title={trans.__('The baseline')}>
                    ★<span className="jp-mlops-Hidden">{trans.__('baseline')}</span>
                  </span>
                ) : (
                  <button
                    className="jp-mlops-Link"
                    aria-label={trans.__('Make %1 the baseline', run.name)}
                    title={trans.__('Make it the baseline')}
                    onClick={() => onBaseline(run.id)}
                  >
                    ☆
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <Line key={`${row.kind} ${row.name} ${row.detail}`} row={row} />
          ))}
        </tbody>
      </table>
      {rows.length === 0 ? (
        <p className="jp-mlops-Muted">{trans.__('Nothing differs but when the runs were and how long they took.')}</p>
      ) : null}
    </div>
  );
}

function Line({ row }: { readonly row: ICompareRow }): JSX.Element {
  return (
    <tr>
      <td className="jp-mlops-Muted">{row.kind}</td>
      <th scope="row" title={row.detail}>
        {row.name}
      </th>
      {row.cells.map((cell, at) => (
        <td key={at} className={cell.differs ? 'jp-mod-differs' : ''} title={cell.title}>
          {cell.text || '–'}
          {cell.delta ? <span className="jp-mlops-Compare-delta">{cell.delta}</span> : null}
        </td>
      ))}
    </tr>
  );
}
